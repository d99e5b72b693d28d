/*
 * readers.c - which process reads from which end of a pipe.
 *
 * The page is found by the name of the pipe, which every handle of it tells. So it needs no handle
 * that would have to travel too, and comes and goes with those who have the pipe.
 */
#include "win32/readers.h"

#include <string.h>

enum { ENDS = 2 };

/* "Local", then the pipe's name with its backslash. 0 when it is no pipe of xipc's. */
static int page_name(wchar_t name[XIPC__WIN32_NAME_MAX], HANDLE pipe)
{
    static const wchar_t room[] = L"Local", prefix[] = L"\\xipc-";
    const apr_size_t room_length = wcslen(room);
    union {
        FILE_NAME_INFO info;
        unsigned char bytes[sizeof(FILE_NAME_INFO) + XIPC__WIN32_NAME_MAX * sizeof(wchar_t)];
    } found;
    if (!GetFileInformationByHandleEx(pipe, FileNameInfo, &found, sizeof found)) return 0;
    apr_size_t length = found.info.FileNameLength / sizeof(wchar_t);
    if (length < wcslen(prefix) || length + room_length >= XIPC__WIN32_NAME_MAX ||
        wcsncmp(found.info.FileName, prefix, wcslen(prefix)) != 0)
        return 0;
    memcpy(name, room, sizeof room);
    memcpy(name + room_length, found.info.FileName, length * sizeof(wchar_t));
    name[room_length + length] = L'\0';
    return 1;
}

/* Another user could have made an object of that name, once the pipe's name is to be seen. */
static int is_owner(const xipc__win32_private_t *only_me, HANDLE object)
{
    union {
        SECURITY_DESCRIPTOR descriptor;
        unsigned char bytes[sizeof(SECURITY_DESCRIPTOR) + SECURITY_MAX_SID_SIZE];
    } found;
    DWORD size;
    PSID owner = NULL;
    BOOL is_default;
    return GetKernelObjectSecurity(object, OWNER_SECURITY_INFORMATION, &found, sizeof found,
                                   &size) &&
           GetSecurityDescriptorOwner(&found, &owner, &is_default) && owner != NULL &&
           EqualSid(owner, only_me->owner.user.User.Sid);
}

void xipc__readers_open(xipc__readers_t *readers, HANDLE pipe)
{
    wchar_t name[XIPC__WIN32_NAME_MAX];
    xipc__win32_private_t only_me;
    DWORD flags;
    memset(readers, 0, sizeof *readers);
    if (!GetNamedPipeInfo(pipe, &flags, NULL, NULL, NULL) || !page_name(name, pipe) ||
        xipc__win32_private(&only_me) != APR_SUCCESS)
        return;
    readers->section = CreateFileMappingW(INVALID_HANDLE_VALUE, &only_me.attributes, PAGE_READWRITE,
                                          0, ENDS * sizeof *readers->ends, name);
    if (readers->section == NULL) return;
    if (is_owner(&only_me, readers->section))
        readers->ends = MapViewOfFile(readers->section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0,
                                      ENDS * sizeof *readers->ends);
    if (readers->ends == NULL) {
        xipc__readers_close(readers);
        return;
    }
    readers->own = (flags & PIPE_SERVER_END) != 0;
    readers->ends[readers->own].pid = 0; /* what stands there is another's, whatever its number */
    xipc__readers_announce(readers);
}

void xipc__readers_announce(const xipc__readers_t *readers)
{
    xipc__win32_identity_t self;
    if (readers->ends == NULL) return;
    xipc__reader_t *end = &readers->ends[readers->own];
    if (end->pid == GetCurrentProcessId() ||
        xipc__win32_identify(&self, GetCurrentProcess()) != APR_SUCCESS)
        return;
    end->born = self.born;
    end->pid = self.pid;
}

void xipc__readers_count(const xipc__readers_t *readers)
{
    if (readers->ends != NULL) readers->ends[readers->own].taken++;
}

apr_uint32_t xipc__readers_counted(const xipc__readers_t *readers)
{
    return readers->ends != NULL ? readers->ends[!readers->own].taken : 0;
}

HANDLE xipc__readers_open_other(const xipc__readers_t *readers)
{
    if (readers->ends == NULL) return NULL;
    const xipc__reader_t *end = &readers->ends[!readers->own];
    xipc__win32_identity_t who = {end->born, end->pid};
    HANDLE process;
    return xipc__win32_identity_open(&process, &who) == APR_SUCCESS ? process : NULL;
}

void xipc__readers_close(xipc__readers_t *readers)
{
    if (readers->ends != NULL) UnmapViewOfFile(readers->ends);
    if (readers->section != NULL) CloseHandle(readers->section);
    memset(readers, 0, sizeof *readers);
}
