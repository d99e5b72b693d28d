/*
 * port_image_macho.c - where code and data are on macOS: a Mach-O image's header, its segments and
 * its UUID.
 */
#include "posix/posix.h"

#include <apr_strings.h>

#include <dlfcn.h>
#include <limits.h>
#include <mach-o/dyld.h>
#include <mach-o/loader.h>
#include <stdlib.h>
#include <string.h>

/* Call `visit` for each load command; it returns not 0 to stop. */
typedef int (*visit_t)(const struct load_command *command, intptr_t slide, void *data);

static int walk_commands(const struct mach_header_64 *header, intptr_t slide, visit_t visit,
                         void *data)
{
    const char *at = (const char *)(header + 1);
    for (uint32_t i = 0; i < header->ncmds; i++) {
        const struct load_command *command = (const struct load_command *)(const void *)at;
        if (visit(command, slide, data)) return 1;
        at += command->cmdsize;
    }
    return 0;
}

typedef struct {
    uintptr_t address;
    vm_prot_t wanted;
} memory_t;

static int holds_command(const struct load_command *command, intptr_t slide, void *data)
{
    const memory_t *memory = data;
    if (command->cmd != LC_SEGMENT_64) return 0;
    const struct segment_command_64 *segment =
        (const struct segment_command_64 *)(const void *)command;
    return (segment->initprot & memory->wanted) != 0 &&
           memory->address - (uintptr_t)((intptr_t)segment->vmaddr + slide) < segment->vmsize;
}

static int holds(uint32_t image, uintptr_t address, xipc__place_e kind)
{
    memory_t memory = {address, kind == XIPC__PLACE_CODE ? VM_PROT_EXECUTE : VM_PROT_WRITE};
    const struct mach_header_64 *header =
        (const struct mach_header_64 *)(const void *)_dyld_get_image_header(image);
    return header != NULL &&
           walk_commands(header, _dyld_get_image_vmaddr_slide(image), holds_command, &memory);
}

static int uuid_command(const struct load_command *command, intptr_t slide, void *data)
{
    (void)slide;
    if (command->cmd != LC_UUID) return 0;
    memcpy(data, ((const struct uuid_command *)(const void *)command)->uuid, 16);
    return 1;
}

/*
 * Every linker of the last fifteen years writes a UUID; an image without one is only told by its
 * size of commands.
 */
static apr_size_t build_id(unsigned char *build, uint32_t image)
{
    const struct mach_header_64 *header =
        (const struct mach_header_64 *)(const void *)_dyld_get_image_header(image);
    if (walk_commands(header, 0, uuid_command, build)) return 16;
    memcpy(build, &header->sizeofcmds, sizeof header->sizeofcmds);
    return sizeof header->sizeofcmds;
}

/* The program is the first image. */
static const char *image_path(uint32_t image, apr_pool_t *pool)
{
    char real[PATH_MAX];
    const char *path = image == 0 ? "" : _dyld_get_image_name(image);
    if (path == NULL || *path == '\0') return "";
    return apr_pstrdup(pool, realpath(path, real) != NULL ? real : path);
}

static uintptr_t image_base(uint32_t image)
{
    return (uintptr_t)_dyld_get_image_header(image);
}

apr_status_t xipc__port_image_find(xipc__place_t *place, const void *address, xipc__place_e kind,
                                   apr_pool_t *pool)
{
    for (uint32_t image = 0; image < _dyld_image_count(); image++) {
        if (!holds(image, (uintptr_t)address, kind)) continue;
        place->module = image_path(image, pool);
        place->offset = (uintptr_t)address - image_base(image);
        place->build_size = build_id(place->build, image);
        return APR_SUCCESS;
    }
    return xipc__fail(XIPC_ETARGET, "%s at %pp",
                      kind == XIPC__PLACE_CODE ? "no function" : "no variable", address);
}

static int find_module(uint32_t *found, const char *module, apr_pool_t *pool)
{
    for (uint32_t image = 0; image < _dyld_image_count(); image++)
        if (strcmp(image_path(image, pool), module) == 0) {
            *found = image;
            return 1;
        }
    return 0;
}

apr_status_t xipc__port_image_address(void **address, const xipc__place_t *place,
                                      xipc__place_e kind, apr_pool_t *pool)
{
    uint32_t image;
    unsigned char build[XIPC__BUILD_MAX];
    const char *name = *place->module == '\0' ? "the program" : place->module;
    if (!find_module(&image, place->module, pool) &&
        (*place->module != '/' || dlopen(place->module, RTLD_NOW | RTLD_LOCAL) == NULL ||
         !find_module(&image, place->module, pool)))
        return xipc__fail(XIPC_ETARGET, "%s can't be loaded", name);
    apr_size_t size = build_id(build, image);
    if (size != place->build_size || memcmp(build, place->build, size) != 0)
        return xipc__fail(XIPC_EBUILD, "%s", name);
    uintptr_t found = image_base(image) + (uintptr_t)place->offset;
    if (!holds(image, found, kind)) return xipc__fail(XIPC_ETARGET, "%s", name);
    *address = (void *)found;
    return APR_SUCCESS;
}
