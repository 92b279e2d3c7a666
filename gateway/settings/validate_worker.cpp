// Bundled workers: what can be said of them before one is started.
#include "gateway/settings/scalars.hpp"
#include "gateway/settings/validate.hpp"

#include <filesystem>
#include <unistd.h>

namespace penstock::settings {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t gpu_digits_max = 3;

bool is_device(std::string_view text) {
    if (text == "auto" || text == "cpu") return true;
    constexpr std::string_view gpu = "cuda:";
    if (!text.starts_with(gpu)) return false;
    text.remove_prefix(gpu.size());
    return !text.empty() && text.size() <= gpu_digits_max &&
           text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

void validate_worker(const bundled_worker& worker, const std::string& path, findings& out) {
    std::error_code unknown;
    if (worker.model.empty()) {
        out.fault(path + ".model", "must name the folder of a model");
    } else if (!fs::is_directory(worker.model, unknown)) {
        out.fault(path + ".model", "there is no folder " + worker.model);
    } else if (!fs::is_regular_file(fs::path(worker.model) / "config.json", unknown)) {
        out.fault(path + ".model", "there is no config.json in " + worker.model);
    }
    if (!is_device(worker.device)) out.fault(path + ".device", "must be auto, cpu or cuda:N");
}

void validate_worker_program(const worker& all, findings& out) {
    std::error_code unknown;
    const std::string& program = all.program;
    if (!program.empty() &&
        (!fs::is_regular_file(program, unknown) || ::access(program.c_str(), X_OK) != 0))
        out.fault("worker.program", "there is no program " + program);
    if (all.restart.first > all.restart.most)
        out.fault(
            "worker.restart.first",
            "is " + format_duration(all.restart.first) +
                ", which must not be above worker.restart.most, " +
                format_duration(all.restart.most)
        );
}

}  // namespace penstock::settings
