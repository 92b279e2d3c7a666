// Bundled workers: what can be said of them before one is started.
#include "gateway/settings/scalars.hpp"
#include "gateway/settings/validate.hpp"

#include <filesystem>
#include <unistd.h>

namespace penstock::settings {

namespace {

namespace fs = std::filesystem;

// Of text that is not auto or cpu. What there will be is told apart from what is misspelt.
std::string_view device_fault(std::string_view text) {
    constexpr std::string_view gpu = "cuda:";
    constexpr std::size_t gpu_digits_max = 3;
    const std::string_view number = text.starts_with(gpu) ? text.substr(gpu.size()) : "";
    const bool is_gpu = !number.empty() && number.size() <= gpu_digits_max &&
                        number.find_first_not_of("0123456789") == std::string_view::npos;
    return is_gpu ? "not enforced by this version, whose worker has no CUDA; refused rather than "
                    "ignored: use auto or cpu"
                  : "must be auto or cpu";
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
    if (worker.device != "auto" && worker.device != "cpu")
        out.fault(path + ".device", std::string(device_fault(worker.device)));
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
