/*
 * port_image_elf.c - where code and data are on ELF systems (Linux, the BSDs): a module's load
 * address, its segments, and the build id that its linker wrote. A module without one is told by a
 * hash of its code.
 */
#include "posix/posix.h"

#include <apr_strings.h>

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

/* One loaded module, as dl_iterate_phdr shows it. */
typedef struct {
    const char *path; /* "" for the program, which comes first */
    ElfW(Addr) base;
    const ElfW(Phdr) * segments;
    ElfW(Half) count;
} module_t;

typedef int (*visit_t)(const module_t *module, void *data); /* not 0: found, stop */

typedef struct {
    visit_t visit;
    void *data;
    int seen;
} walk_t;

static int visit_info(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    walk_t *walk = data;
    const module_t module = {walk->seen++ == 0 || info->dlpi_name == NULL ? "" : info->dlpi_name,
                             info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum};
    return walk->visit(&module, walk->data);
}

static int walk_modules(visit_t visit, void *data)
{
    walk_t walk = {visit, data, 0};
    return dl_iterate_phdr(visit_info, &walk);
}

/* ---- inside a module ---- */

static int holds(const module_t *module, ElfW(Addr) address, xipc__place_e kind)
{
    ElfW(Word) wanted = kind == XIPC__PLACE_CODE ? PF_X : PF_W;
    for (int i = 0; i < module->count; i++) {
        const ElfW(Phdr) *segment = &module->segments[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & wanted) != 0 &&
            address - (module->base + segment->p_vaddr) < segment->p_memsz)
            return 1;
    }
    return 0;
}

static const unsigned char *in_memory(const module_t *module, ElfW(Addr) address)
{
    return (
        const unsigned char *)(module->base +
                               address); /* NOLINT(performance-no-int-to-ptr): a loaded segment */
}

static size_t aligned(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

/* The build id in one segment of notes; 0 when it isn't there. */
static size_t note_id(unsigned char *build, const unsigned char *notes, size_t size)
{
    while (size >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        memcpy(&note, notes, sizeof note);
        size_t whole = sizeof note + aligned(note.n_namesz) + aligned(note.n_descsz);
        const unsigned char *name = notes + sizeof note;
        if (whole > size) return 0;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(name, "GNU", 4) == 0 &&
            note.n_descsz > 0) {
            size_t id_size = note.n_descsz < XIPC__BUILD_MAX ? note.n_descsz : XIPC__BUILD_MAX;
            memcpy(build, name + 4, id_size);
            return id_size;
        }
        notes += whole;
        size -= whole;
    }
    return 0;
}

/* FNV-1a over the code, which no relocation changes. It tells builds apart; it is no protection. */
static size_t code_hash(unsigned char *build, const module_t *module)
{
    apr_uint64_t hash = 14695981039346656037U;
    for (int i = 0; i < module->count; i++) {
        const ElfW(Phdr) *segment = &module->segments[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & (PF_X | PF_R)) != (PF_X | PF_R))
            continue;
        const unsigned char *code = in_memory(module, segment->p_vaddr);
        for (size_t at = 0; at < segment->p_filesz; at++) hash = (hash ^ code[at]) * 1099511628211U;
    }
    memcpy(build, &hash, sizeof hash);
    return sizeof hash;
}

static size_t build_id(unsigned char *build, const module_t *module)
{
    for (int i = 0; i < module->count; i++) {
        const ElfW(Phdr) *segment = &module->segments[i];
        if (segment->p_type != PT_NOTE) continue;
        size_t size = note_id(build, in_memory(module, segment->p_vaddr), segment->p_memsz);
        if (size > 0) return size;
    }
    return code_hash(build, module);
}

/* ---- from an address to a place ---- */

typedef struct {
    ElfW(Addr) address;
    xipc__place_e kind;
    xipc__place_t *place;
} search_t;

static int find_address(const module_t *module, void *data)
{
    search_t *search = data;
    if (!holds(module, search->address, search->kind)) return 0;
    search->place->module = module->path;
    search->place->offset = search->address - module->base;
    search->place->build_size = build_id(search->place->build, module);
    return 1;
}

/* The file itself, since the name may be relative or a link. */
static const char *real_path(const char *path, apr_pool_t *pool)
{
    char real[PATH_MAX];
    if (*path == '\0') return "";
    return apr_pstrdup(pool, realpath(path, real) != NULL ? real : path);
}

apr_status_t xipc__port_image_find(xipc__place_t *place, const void *address, xipc__place_e kind,
                                   apr_pool_t *pool)
{
    search_t search = {(ElfW(Addr))address, kind, place};
    if (!walk_modules(find_address, &search))
        return xipc__fail(XIPC_ETARGET, "%s at %pp",
                          kind == XIPC__PLACE_CODE ? "no function" : "no variable", address);
    place->module = real_path(place->module, pool);
    return APR_SUCCESS;
}

/* ---- from a place to an address ---- */

typedef struct {
    const xipc__place_t *place;
    xipc__place_e kind;
    apr_pool_t *pool;
    ElfW(Addr) address;
    apr_status_t status;
} lookup_t;

static int find_module(const module_t *module, void *data)
{
    lookup_t *lookup = data;
    const xipc__place_t *place = lookup->place;
    unsigned char build[XIPC__BUILD_MAX];
    if ((*module->path == '\0') != (*place->module == '\0')) return 0;
    if (strcmp(real_path(module->path, lookup->pool), place->module) != 0) return 0;
    size_t size = build_id(build, module);
    lookup->address = module->base + (ElfW(Addr))place->offset;
    if (size != place->build_size || memcmp(build, place->build, size) != 0)
        lookup->status = XIPC_EBUILD;
    else if (!holds(module, lookup->address, lookup->kind))
        lookup->status = XIPC_ETARGET;
    return 1;
}

static const char *module_name(const xipc__place_t *place)
{
    return *place->module == '\0' ? "the program" : place->module;
}

apr_status_t xipc__port_image_address(void **address, const xipc__place_t *place,
                                      xipc__place_e kind, apr_pool_t *pool)
{
    lookup_t lookup = {.place = place, .kind = kind, .pool = pool, .status = APR_SUCCESS};
    if (!walk_modules(find_module, &lookup)) {
        if (*place->module != '/' || dlopen(place->module, RTLD_NOW | RTLD_LOCAL) == NULL)
            return xipc__fail(XIPC_ETARGET, "%s can't be loaded", module_name(place));
        if (!walk_modules(find_module, &lookup))
            return xipc__fail(XIPC_ETARGET, "%s is not where it was", module_name(place));
    }
    if (lookup.status != APR_SUCCESS) return xipc__fail(lookup.status, "%s", module_name(place));
    *address =
        (void *)
            lookup.address; /* NOLINT(performance-no-int-to-ptr): checked to lie in the module */
    return APR_SUCCESS;
}
