// The worker: a model folder, an engine and the API, composed, run and stopped.
#pragma once

#include "penstock/result.hpp"
#include "worker/worker_options.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace penstock::worker {

// "0.1.0"
const char* version() noexcept;

class worker {
 public:
    // Loads the model and listens; ready when it returns. Errors: their detail names what is wrong,
    // for the operator.
    static result<std::unique_ptr<worker>> start(const worker_options& options);
    virtual ~worker() = default;

    // Port of the first TCP address, in host order; 0 without one.
    virtual std::uint16_t port() const noexcept = 0;
    // As bound: "127.0.0.1:8100", "unix:/run/x.sock".
    virtual const std::vector<std::string>& addresses() const noexcept = 0;
    // Stops accepting, lets answers end within the drain timeout, then aborts them. Blocks.
    virtual void stop() = 0;
};

}  // namespace penstock::worker
