// The command line of penstock-worker.
#include "gateway/workers/worker_launch.hpp"

#include "gateway/workers/worker_process.hpp"

#include <filesystem>
#include <unistd.h>

namespace penstock::gateway {

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
    const std::string& program,
    const settings::bundled_worker& worker,
    const std::string& served_name,
    const std::string& socket
) {
    // clang-format off
    return {
        program,
        "--model", worker.model,
        "--listen", "unix:" + socket,
        "--served-name", served_name,
        "--device", worker.device,
        "--threads", std::to_string(worker.threads),
        "--max-sequences", std::to_string(worker.max_batch),
        "--max-step-tokens", std::to_string(worker.max_step_tokens),
        "--kv-bytes", std::to_string(worker.kv_memory),
        "--lifeline", std::to_string(lifeline_fd),
    };
    // clang-format on
}

}  // namespace penstock::gateway
