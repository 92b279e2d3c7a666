// The table of devices: a word of the command line to a backend.
#include "worker/ops/backends.hpp"

#include "worker/ops/cpu/cpu_backend.hpp"

#include <string>

namespace penstock::worker {

result<std::unique_ptr<backend>> open_backend(
    std::string_view device, const backend_options& options
) {
    if (device == "auto" || device == "cpu") return open_cpu(options);
    const std::string named = "device '" + std::string(device) + "'";
    if (device == "cuda" || device.starts_with("cuda:"))
        return error(errc::invalid_value, named + ": this build has no CUDA; use auto or cpu");
    return error(errc::invalid_value, named + " is unknown; there are auto, cpu and cuda:N");
}

}  // namespace penstock::worker
