// Made, locked, and removed by whoever may.
#include "gateway/workers/socket_folder.hpp"

#include "penstock/observe/log.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace penstock::gateway {
namespace {

constexpr std::string_view prefix = "penstock-";
constexpr std::string_view chosen = "XXXXXX";  // by mkdtemp
constexpr const char* lock_name = "lock";
constexpr const char* lock_without_name = "lock.new";
constexpr mode_t others = S_IRWXG | S_IRWXO;

error failed(const std::string& what) {
    return {errc::io_failed, what + ": " + std::generic_category().message(errno)};
}

bool is_ours(std::string_view name) {
    return name.size() == prefix.size() + chosen.size() && name.starts_with(prefix) &&
           std::all_of(name.begin() + prefix.size(), name.end(), [](unsigned char c) {
               return std::isalnum(c) != 0;
           });
}

// The names in a folder but "." and "..", as far as they can be read.
std::vector<std::string> names_in(int folder) {
    std::vector<std::string> names;
    DIR* const listing = ::fdopendir(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!listing) return names;
    while (const dirent* each = ::readdir(listing)) {
        const std::string_view name = each->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    ::closedir(listing);
    return names;
}

// The lock last: without it nobody could tell that the folder is ours.
bool remove_folder(int root, const std::string& name, int folder) {
    for (const std::string& each : names_in(folder))
        if (each != lock_name) ::unlinkat(folder, each.c_str(), 0);
    for (const std::string& left : names_in(folder))
        if (left != lock_name) return false;
    ::unlinkat(folder, lock_name, 0);
    return ::unlinkat(root, name.c_str(), AT_REMOVEDIR) == 0;
}

owned_fd open_private_folder(int root, const std::string& name) {
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    owned_fd folder(::openat(root, name.c_str(), flags));
    struct stat found{};
    if (folder.get() < 0 || ::fstat(folder.get(), &found) != 0) return {};
    if (found.st_uid != ::geteuid() || (found.st_mode & others) != 0) return {};
    return folder;
}

// Nothing when it has no lock, or when whoever holds it lives.
owned_fd take_lock(int folder) {
    owned_fd lock(::openat(folder, lock_name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat found{};
    if (lock.get() < 0 || ::fstat(lock.get(), &found) != 0 || !S_ISREG(found.st_mode)) return {};
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return {};
    return lock;
}

}  // namespace

result<socket_folder> socket_folder::make(const std::string& root) {
    std::string path = root + '/' + std::string(prefix) + std::string(chosen);
    if (!::mkdtemp(path.data())) return failed(path);  // mode 0700
    const std::string unnamed = path + '/' + lock_without_name;
    owned_fd lock(::open(unnamed.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    const std::string named = path + '/' + lock_name;
    socket_folder made(path, std::move(lock));
    if (made.lock_.get() < 0 || ::flock(made.lock_.get(), LOCK_EX | LOCK_NB) != 0 ||
        ::rename(unnamed.c_str(), named.c_str()) != 0)
        return failed(named);
    return made;
}

socket_folder::~socket_folder() {
    if (path_.empty()) return;
    const owned_fd folder(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (folder.get() >= 0) remove_folder(AT_FDCWD, path_, folder.get());
}

std::size_t socket_folder::path_size_max(const std::string& root) noexcept {
    return root.size() + 1 + prefix.size() + chosen.size();
}

void remove_stale_folders(const std::string& root) {
    const owned_fd within(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (within.get() < 0) return;
    for (const std::string& name : names_in(within.get())) {
        if (!is_ours(name)) continue;
        const owned_fd folder = open_private_folder(within.get(), name);
        if (folder.get() < 0) continue;
        const owned_fd lock = take_lock(folder.get());
        if (lock.get() < 0) continue;
        if (remove_folder(within.get(), name, folder.get()))
            observe::log::info("stale_folder_removed", {{"folder", root + '/' + name}});
    }
}

}  // namespace penstock::gateway
