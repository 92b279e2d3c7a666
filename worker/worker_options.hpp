// What an operator sets of a worker: its own, and those of its rooms.
#pragma once

#include "penstock/clock.hpp"
#include "worker/api/front_options.hpp"
#include "worker/api/request_limits.hpp"
#include "worker/engine/engine_options.hpp"
#include "worker/text/template_limits.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace penstock::worker {

struct worker_options {
    std::filesystem::path model;
    std::string served_name;          // in /v1/models; the folder's name when empty
    std::string device = "auto";      // auto | cpu | cuda:N
    unsigned threads = 0;             // of the CPU backend; 0: one a core
    unsigned read_threads = 4;        // that read one tensor of the checkpoint
    std::uint32_t max_positions = 0;  // 0: the model's
    engine_options engine;
    template_limits chat;
    request_limits requests;
    front_options door;  // its version is the program's
    duration drain_timeout = std::chrono::seconds(30);
};

}  // namespace penstock::worker
