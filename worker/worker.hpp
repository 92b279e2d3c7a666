// The worker: a model folder, an engine and the API, composed, run and stopped.
#pragma once

#include "penstock/clock.hpp"
#include "penstock/result.hpp"
#include "worker/engine/engine_options.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace penstock::worker {

struct worker_options {
    std::filesystem::path model;
    std::string served_name;          // in /v1/models; the folder's name when empty
    std::vector<std::string> listen;  // "127.0.0.1:8100", "unix:/run/penstock/worker.sock"
    std::string device = "auto";      // auto | cpu | cuda:N
    unsigned threads = 0;             // of the CPU backend; 0: one a core
    unsigned read_threads = 4;        // that read one tensor of the checkpoint
    std::uint32_t max_positions = 0;  // 0: the model's
    engine_options engine;
    std::uint64_t body_bytes = 32 * 1024 * 1024;     // of one request
    std::uint64_t bodies_bytes = 256 * 1024 * 1024;  // of all that are being read
    std::uint32_t max_connections = 1024;
    std::uint32_t max_choices = 16;                     // answers of a request: prompts times `n`
    unsigned text_threads = 1;                          // that read long prompts, beside the loop
    std::uint32_t max_waiting_texts = 256;              // for them; more are refused
    duration stall_timeout = std::chrono::seconds(60);  // a client that takes nothing of its answer
    duration drain_timeout = std::chrono::seconds(30);
};

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
