/*
 * port_image.c - where code and data are: module and offset, with the module's build identity.
 */
#include "win32/win32.h"

#include <apr_strings.h>

#include <string.h>

/* A loaded module: its headers are mapped where it begins. */
typedef struct {
    const unsigned char *base;
    const IMAGE_NT_HEADERS *headers;
} image_t;

static apr_status_t image_open(image_t *image, HMODULE module)
{
    image->base = (const unsigned char *)module;
    const IMAGE_DOS_HEADER *dos = (const IMAGE_DOS_HEADER *)(const void *)image->base;
    if (dos->e_magic != IMAGE_DOS_SIGNATURE)
        return xipc__fail(XIPC_ETARGET, "a module has no header");
    image->headers = (const IMAGE_NT_HEADERS *)(const void *)(image->base + dos->e_lfanew);
    if (image->headers->Signature != IMAGE_NT_SIGNATURE)
        return xipc__fail(XIPC_ETARGET, "a module has no header");
    return APR_SUCCESS;
}

/* ---- build identity ---- */

/* What a linker leaves for a debugger, to match a program with its symbols: new for each build. */
typedef struct {
    char signature[4]; /* "RSDS" */
    unsigned char guid[16];
    DWORD age;
} codeview_t;

static void build_add(xipc__place_t *place, const void *bytes, apr_size_t size)
{
    memcpy(place->build + place->build_size, bytes, size);
    place->build_size += size;
}

/* Add the GUID of the debug directory; 0 when the module has none. */
static int build_add_guid(xipc__place_t *place, const image_t *image)
{
    const IMAGE_DATA_DIRECTORY *at =
        &image->headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_DEBUG];
    const unsigned char *entries = image->base + at->VirtualAddress;
    for (DWORD i = 0; at->VirtualAddress != 0 && i < at->Size / sizeof(IMAGE_DEBUG_DIRECTORY);
         i++) {
        IMAGE_DEBUG_DIRECTORY entry;
        codeview_t found;
        memcpy(&entry, entries + i * sizeof entry, sizeof entry);
        if (entry.Type != IMAGE_DEBUG_TYPE_CODEVIEW || entry.AddressOfRawData == 0 ||
            entry.SizeOfData < sizeof found)
            continue;
        memcpy(&found, image->base + entry.AddressOfRawData, sizeof found);
        if (memcmp(found.signature, "RSDS", sizeof found.signature) != 0) continue;
        build_add(place, found.guid, sizeof found.guid);
        return 1;
    }
    return 0;
}

/*
 * A hash of the code (FNV-1a), for a module linked without a stamp. The loader may have changed
 * addresses in it where the processor has no relative ones (i386); two processes then take one
 * build for two. That refuses what would be right, and never the other way round.
 */
static void build_add_code(xipc__place_t *place, const image_t *image)
{
    apr_uint64_t hash = 14695981039346656037u;
    const IMAGE_SECTION_HEADER *section = IMAGE_FIRST_SECTION(image->headers);
    for (WORD i = 0; i < image->headers->FileHeader.NumberOfSections; i++, section++) {
        if ((section->Characteristics & IMAGE_SCN_MEM_EXECUTE) == 0) continue;
        const unsigned char *code = image->base + section->VirtualAddress;
        for (DWORD j = 0; j < section->Misc.VirtualSize; j++)
            hash = (hash ^ code[j]) * 1099511628211u;
    }
    build_add(place, &hash, sizeof hash);
}

static void build_identify(xipc__place_t *place, const image_t *image)
{
    const IMAGE_NT_HEADERS *headers = image->headers;
    place->build_size = 0;
    build_add(place, &headers->FileHeader.TimeDateStamp, sizeof(DWORD));
    build_add(place, &headers->OptionalHeader.SizeOfImage, sizeof(DWORD));
    build_add(place, &headers->OptionalHeader.CheckSum, sizeof(DWORD));
    if (!build_add_guid(place, image) && headers->FileHeader.TimeDateStamp == 0)
        build_add_code(place, image);
}

/* ---- places ---- */

/* Is there memory of that kind at the offset? */
static int is_kind(const image_t *image, apr_uint64_t offset, xipc__place_e kind)
{
    const DWORD data = IMAGE_SCN_MEM_READ | IMAGE_SCN_MEM_WRITE;
    const DWORD asked = data | IMAGE_SCN_MEM_EXECUTE;
    const IMAGE_SECTION_HEADER *section = IMAGE_FIRST_SECTION(image->headers);
    for (WORD i = 0; i < image->headers->FileHeader.NumberOfSections; i++, section++) {
        if (offset < section->VirtualAddress ||
            offset - section->VirtualAddress >= section->Misc.VirtualSize)
            continue;
        DWORD is = section->Characteristics & asked;
        return kind == XIPC__PLACE_CODE ? (is & IMAGE_SCN_MEM_EXECUTE) != 0 : is == data;
    }
    return 0;
}

static const char *kind_name(xipc__place_e kind)
{
    return kind == XIPC__PLACE_CODE ? "function" : "variable";
}

apr_status_t xipc__port_image_find(xipc__place_t *place, const void *address, xipc__place_e kind,
                                   apr_pool_t *pool)
{
    HMODULE module;
    const DWORD how =
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    if (!GetModuleHandleExW(how, (const wchar_t *)address, &module))
        return xipc__fail(XIPC_ETARGET, "%pp is in no module", address);

    image_t image;
    apr_status_t rv = image_open(&image, module);
    if (rv != APR_SUCCESS) return rv;
    apr_uint64_t offset = (uintptr_t)address - (uintptr_t)image.base;
    if (!is_kind(&image, offset, kind))
        return xipc__fail(XIPC_ETARGET, "%pp is no %s", address, kind_name(kind));

    char *path = "";
    if (module != GetModuleHandleW(NULL)) {
        wchar_t *wide;
        rv = xipc__win32_module_path(&wide, module, pool);
        if (rv == APR_SUCCESS) rv = xipc__win32_utf8(&path, wide, pool);
        if (rv != APR_SUCCESS) return rv;
    }
    place->module = path;
    place->offset = offset;
    build_identify(place, &image);
    return APR_SUCCESS;
}

/* A path that names the same file whatever the current directory and PATH are. */
static int is_absolute(const wchar_t *path)
{
    int is_drive = path[0] != L'\0' && path[1] == L':' && (path[2] == L'\\' || path[2] == L'/');
    return is_drive || (path[0] == L'\\' && path[1] == L'\\');
}

/* The program, or a library. It stays loaded: its code is going to be called. */
static apr_status_t load(HMODULE *module, const char *path, apr_pool_t *pool)
{
    if (*path == '\0') {
        *module = GetModuleHandleW(NULL);
        return APR_SUCCESS;
    }
    wchar_t *wide;
    apr_status_t rv = xipc__win32_wide(&wide, path, pool);
    if (rv != APR_SUCCESS) return rv;
    if (!is_absolute(wide)) return xipc__fail(XIPC_ETARGET, "%s is no absolute path", path);

    /* altered: what the library itself needs is looked for in its own folder */
    *module = LoadLibraryExW(wide, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
    if (*module != NULL) return APR_SUCCESS;
    char reason[128];
    (void)apr_strerror(xipc__win32_error(), reason, sizeof reason);
    return xipc__fail(XIPC_ETARGET, "%s can't be loaded: %s", path, reason);
}

static apr_status_t check_build(const xipc__place_t *place, const image_t *image)
{
    xipc__place_t here = {0};
    build_identify(&here, image);
    if (here.build_size == place->build_size &&
        memcmp(here.build, place->build, here.build_size) == 0)
        return APR_SUCCESS;
    return xipc__fail(XIPC_EBUILD, "%s", *place->module != '\0' ? place->module : "the program");
}

apr_status_t xipc__port_image_address(void **address, const xipc__place_t *place,
                                      xipc__place_e kind, apr_pool_t *pool)
{
    HMODULE module;
    apr_status_t rv = load(&module, place->module, pool);
    if (rv != APR_SUCCESS) return rv;

    image_t image;
    rv = image_open(&image, module);
    if (rv == APR_SUCCESS) rv = check_build(place, &image);
    if (rv == APR_SUCCESS && !is_kind(&image, place->offset, kind))
        rv = xipc__fail(XIPC_ETARGET, "offset %" APR_UINT64_T_FMT " of %s is no %s", place->offset,
                        *place->module != '\0' ? place->module : "the program", kind_name(kind));
    if (rv != APR_SUCCESS) {
        if (*place->module != '\0') FreeLibrary(module);
        return rv;
    }
    *address = (void *)((uintptr_t)image.base + (uintptr_t)place->offset);
    return APR_SUCCESS;
}
