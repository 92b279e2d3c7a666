// The command line of the worker.
#include "penstock/observe/log.hpp"
#include "worker/worker.hpp"

#include <CLI/CLI.hpp>

#include <atomic>
#include <iostream>
#include <signal.h>
#include <thread>
#include <unistd.h>

namespace {

namespace log = penstock::observe::log;
using penstock::worker::worker;
using penstock::worker::worker_options;

constexpr double longest_seconds = 7 * 86'400;  // of any time that is given
constexpr int orphaned = 3;  // exit code when the other end of the lifeline closed

struct command_line {
    worker_options options;
    double drain_seconds = 30, stall_seconds = 60, max_bulk_age_seconds = 10;
    bool no_prefix_cache = false;
    int lifeline = -1;
};

// As the engine has it: bulk is never kept out for good.
const CLI::Validator share_below_one(
    [](std::string& text) -> std::string {
        double share = 0;
        if (CLI::detail::lexical_cast(text, share) && share >= 0 && share < 1) return {};
        return "Value " + text + " not in range [0, 1)";
    },
    "FLOAT in [0, 1)"
);

void add_model_options(CLI::App& app, command_line& line) {
    auto& o = line.options;
    app.add_option("--model", o.model, "the folder of a Hugging Face checkpoint")->required();
    app.add_option("--served-name", o.served_name, "name in /v1/models; the folder's by default");
    app.add_option("--device", o.device, "auto, cpu or cuda:N")->capture_default_str();
    app.add_option("--threads", o.threads, "of the CPU; 0: one a core")->capture_default_str();
    app.add_option("--read-threads", o.read_threads, "of a tensor of the checkpoint")
        ->capture_default_str();
    app.add_option("--max-positions", o.max_positions, "of prompt and answer; 0: the model's")
        ->capture_default_str();
}

void add_engine_options(CLI::App& app, command_line& line) {
    auto& e = line.options.engine;
    app.add_option("--max-sequences", e.max_sequences, "in one step")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--max-step-tokens", e.max_step_tokens, "the token budget of one step")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--max-waiting", e.max_waiting, "generations per class; more are refused")
        ->capture_default_str();
    app.add_option("--kv-bytes", e.kv_bytes, "for keys and values, as 1GiB")
        ->transform(CLI::AsSizeValue(false))
        ->capture_default_str();
    app.add_option("--bulk-reserve", e.bulk_reserve, "share that bulk may not take")
        ->check(share_below_one)
        ->capture_default_str();
    app.add_option(
           "--max-bulk-age", line.max_bulk_age_seconds, "in seconds; older bulk counts as realtime"
    )
        ->check(CLI::Range(0.0, longest_seconds))
        ->capture_default_str();
    app.add_option("--cache-domain", e.cache_domain, "part of every prefix hash; the weights'");
    app.add_flag("--no-prefix-cache", line.no_prefix_cache, "compute every prompt anew");
}

void add_door_options(CLI::App& app, command_line& line) {
    auto& o = line.options;
    app.add_option("--listen", o.listen, "127.0.0.1:8100 or unix:/path; may be repeated")
        ->required();
    app.add_option("--body-bytes", o.body_bytes, "of one request")
        ->transform(CLI::AsSizeValue(false))
        ->capture_default_str();
    app.add_option("--bodies-bytes", o.bodies_bytes, "of all requests being read")
        ->transform(CLI::AsSizeValue(false))
        ->capture_default_str();
    app.add_option("--max-connections", o.max_connections)->capture_default_str();
    app.add_option("--max-choices", o.max_choices, "answers of one request")->capture_default_str();
    app.add_option("--text-threads", o.text_threads, "that read long prompts")
        ->capture_default_str();
    app.add_option("--max-waiting-texts", o.max_waiting_texts, "long prompts that may wait")
        ->capture_default_str();
    app.add_option("--stall-timeout", line.stall_seconds, "in seconds, for a client that reads not")
        ->check(CLI::Range(0.001, longest_seconds))
        ->capture_default_str();
    app.add_option("--drain-timeout", line.drain_seconds, "in seconds")
        ->check(CLI::Range(0.0, longest_seconds))
        ->capture_default_str();
    app.add_option("--lifeline", line.lifeline, "a pipe; exits when its other end is closed");
}

penstock::duration from_seconds(double seconds) {
    return std::chrono::duration_cast<penstock::duration>(std::chrono::duration<double>(seconds));
}

// Whoever started this worker holds the other end: a gateway that was killed leaves none behind.
void hold_lifeline(int pipe) {
    std::thread([pipe] {
        char ignored[64];
        while (true) {
            const auto got = read(pipe, ignored, sizeof ignored);
            if (got > 0 || (got < 0 && errno == EINTR)) continue;
            _exit(orphaned);
        }
    }).detach();
}

// Takes SIGTERM and SIGINT on a thread of its own: while the model loads there is nothing to drain,
// and a second signal does not wait for those who drain.
class signals {
 public:
    signals() {
        sigemptyset(&ours_);
        sigaddset(&ours_, SIGTERM);
        sigaddset(&ours_, SIGINT);
        pthread_sigmask(SIG_BLOCK, &ours_, nullptr);  // of every thread that is made later, too
        signal(SIGPIPE, SIG_IGN);
        std::thread([this] { take(); }).detach();
    }
    // From now on a first signal is for `wait`, and not fatal.
    void hold() noexcept { serving_ = true; }
    void wait() const { asked_.wait(false); }

 private:
    void take() {
        for (bool first = true;; first = false) {
            int which = 0;
            if (sigwait(&ours_, &which) != 0) continue;
            if (!first || !serving_) _exit(128 + which);
            asked_ = true;
            asked_.notify_all();
        }
    }
    sigset_t ours_;
    std::atomic<bool> serving_{false}, asked_{false};
};

int serve(const command_line& line) {
    static signals taken;
    if (line.lifeline >= 0) hold_lifeline(line.lifeline);
    auto started = worker::start(line.options);
    if (started.has_error()) {
        const auto& why = started.error();
        const std::string said =
            why.detail.empty() ? std::string(penstock::describe(why.code).message) : why.detail;
        log::error("not_started", {{"why", said}});
        std::cerr << "penstock-worker: " << said << '\n';
        return 1;
    }
    const auto serving = std::move(started).value();
    taken.hold();
    std::cout << "ready";
    for (const auto& address : serving->addresses())
        std::cout << ' ' << address;
    std::cout << '\n' << std::flush;
    taken.wait();
    log::info("draining", {});
    serving->stop();
    log::info("stopped", {});
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Penstock's inference worker: serves one model with OpenAI's API"};
    app.set_version_flag(
        "--version", std::string("penstock-worker ") + penstock::worker::version()
    );
    command_line line;
    add_model_options(app, line);
    add_engine_options(app, line);
    add_door_options(app, line);
    CLI11_PARSE(app, argc, argv);
    line.options.engine.reuse_prefixes = !line.no_prefix_cache;
    line.options.engine.max_bulk_age = from_seconds(line.max_bulk_age_seconds);
    line.options.drain_timeout = from_seconds(line.drain_seconds);
    line.options.stall_timeout = from_seconds(line.stall_seconds);
    try {
        return serve(line);
    } catch (const std::exception& failed) {
        std::cerr << "penstock-worker: " << failed.what() << '\n';
        return 1;
    }
}
