// The program: signals, the lifeline, and one worker from its start to its end.
#include "penstock/observe/log.hpp"
#include "worker/command_line.hpp"
#include "worker/worker.hpp"

#include <atomic>
#include <iostream>
#include <pthread.h>
#include <signal.h>
#include <thread>
#include <unistd.h>

namespace {

namespace log = penstock::observe::log;
using penstock::worker::command_line;
using penstock::worker::worker;

constexpr int orphaned = 3;  // exit code when the other end of the lifeline closed

// Whoever started this worker holds the other end: a gateway that was killed leaves none behind.
void hold_lifeline(int pipe) {
    std::thread([pipe] {
        pthread_setname_np(pthread_self(), "lifeline");
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
        pthread_setname_np(pthread_self(), "signals");
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
    const auto read = penstock::worker::read_command_line(argc, argv, penstock::worker::version());
    if (!read.line) return read.exit_code;
    try {
        return serve(*read.line);
    } catch (const std::exception& failed) {
        std::cerr << "penstock-worker: " << failed.what() << '\n';
        return 1;
    }
}
