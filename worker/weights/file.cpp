// Opens regular files only: a pipe would keep the start waiting for ever.
#include "worker/weights/file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace penstock::worker {

result<input_file> input_file::open(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return error(errc::io_failed, path.string() + ": " + std::strerror(errno));
    input_file file(descriptor);
    struct stat about = {};
    if (::fstat(descriptor, &about) != 0)
        return error(errc::io_failed, path.string() + ": " + std::strerror(errno));
    if (!S_ISREG(about.st_mode))
        return error(errc::io_failed, path.string() + ": it is not a regular file");
    file.bytes_ = static_cast<std::uint64_t>(about.st_size);
    return file;
}

input_file::~input_file() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace penstock::worker
