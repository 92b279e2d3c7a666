// The command line of penstock-worker.
#include "gateway/workers/worker_launch.hpp"

#include "gateway/workers/worker_process.hpp"

#include <array>
#include <charconv>
#include <filesystem>
#include <unistd.h>

namespace penstock::gateway {
namespace {

// Bytes that our edits add to a body: a model's name, a cap, the wish for usage.
constexpr std::uint64_t edits_max = 4096;
// Connections of probes and operators beside those of requests.
constexpr std::uint64_t probes_max = 64;

std::string shortest(double number) {
    std::array<char, 64> text{};
    char* const end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    return std::string(text.data(), end);
}

}  // namespace

result<std::string> worker_program(const settings::worker& all) {
    std::string program = all.program;
    if (program.empty()) {
        std::error_code unknown;
        const auto self = std::filesystem::read_symlink("/proc/self/exe", unknown);
        program = (self.parent_path() / "penstock-worker").string();
    }
    std::error_code unknown;
    if (!std::filesystem::is_regular_file(program, unknown) || ::access(program.c_str(), X_OK) != 0)
        return error(
            errc::invalid_value,
            "there is no worker to start: no program " + program +
                "; install it there or name it with worker.program"
        );
    return program;
}

std::vector<std::string> worker_command(
    const worker_launch& launch,
    const settings::bundled_worker& worker,
    const settings::limits& limits
) {
    const std::uint64_t body = limits.body + edits_max;
    const std::uint64_t bodies = limits.bodies + edits_max * worker.max_batch;
    const std::uint64_t requests = worker.max_batch + 2ull * worker.max_waiting;  // two classes
    const std::uint64_t connections =
        requests + launch.num_loops * limits.upstream_idle + probes_max;
    const std::chrono::duration<double> bulk_age = worker.max_bulk_age;
    // clang-format off
    std::vector<std::string> command{
        launch.program,
        "--model", worker.model,
        "--listen", "unix:" + launch.socket,
        "--served-name", launch.served_name,
        "--device", worker.device,
        "--threads", std::to_string(worker.threads),
        "--text-threads", std::to_string(worker.text_threads),
        "--max-sequences", std::to_string(worker.max_batch),
        "--max-step-tokens", std::to_string(worker.max_step_tokens),
        "--max-positions", std::to_string(worker.max_positions),
        "--max-waiting", std::to_string(worker.max_waiting),
        "--max-choices", std::to_string(worker.max_choices),
        "--kv-bytes", std::to_string(worker.kv_memory),
        "--bulk-reserve", shortest(worker.bulk_reserve),
        "--max-bulk-age", shortest(bulk_age.count()),
        "--body-bytes", std::to_string(body),
        "--bodies-bytes", std::to_string(bodies),
        "--max-connections", std::to_string(connections),
        "--lifeline", std::to_string(lifeline_fd),
    };
    // clang-format on
    if (!worker.prefix_cache) command.emplace_back("--no-prefix-cache");
    return command;
}

}  // namespace penstock::gateway
