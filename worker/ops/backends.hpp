// Which devices there are.
#pragma once

#include "worker/ops/backend.hpp"

#include <memory>
#include <string_view>

namespace penstock::worker {

struct backend_options {
    unsigned threads = 0;   // of the CPU; 0: one for each core this process may use
    bool portable = false;  // without AVX2 or AVX-512, also where there are such
};

// `device`: auto | cpu | cuda:N. Errors: invalid_value for another word or a device that this build
// or this machine does not have.
result<std::unique_ptr<backend>> open_backend(
    std::string_view device, const backend_options& options
);

}  // namespace penstock::worker
