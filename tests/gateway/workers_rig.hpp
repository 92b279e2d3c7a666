// Gateways in tests with bundled workers that are tests/support/fake_worker.
#pragma once

#include "gateway/running_gateway.hpp"
#include "penstock/observe/log.hpp"

#include <algorithm>
#include <mutex>
#include <signal.h>
#include <sstream>

namespace penstock::gateway {

// It is built beside this program.
inline std::string fake_worker() {
    return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "fake_worker").string();
}

// Ended, even when nobody has taken its status yet.
inline bool is_alive(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
    std::string text(std::istreambuf_iterator<char>(in), {});
    const auto name_end = text.rfind(')');
    return name_end != std::string::npos && text.substr(name_end + 2, 1) != "Z";
}

// The folder of a model as far as anybody but the engine looks into it, with what its worker does.
class model_folder {
 public:
    explicit model_folder(const std::string& script = "") {
        if (!::mkdtemp(path_.data())) throw std::runtime_error("mkdtemp");
        std::ofstream(path_ + "/config.json") << "{}";
        act(script);
    }
    ~model_folder() { std::filesystem::remove_all(path_); }
    model_folder(const model_folder&) = delete;
    model_folder& operator=(const model_folder&) = delete;

    const std::string& path() const { return path_; }
    // Of processes that start from now on; tests/support/fake_worker/main.cpp says what there is.
    void act(const std::string& script) const { std::ofstream(path_ + "/script") << script; }

    // Pid and command line of every process that was ever started, oldest first.
    std::vector<std::string> starts() const {
        std::vector<std::string> lines;
        std::ifstream in(path_ + "/starts");
        for (std::string line; std::getline(in, line);)
            lines.push_back(line);
        return lines;
    }
    bool wait_for_starts(std::size_t count) const {
        return eventually([&] { return starts().size() >= count; });
    }
    // Of the newest process.
    pid_t pid() const { return starts().empty() ? 0 : std::stoi(starts().back()); }
    std::string kill_worker() const {
        const pid_t victim = pid();
        ::kill(victim, SIGKILL);
        return std::to_string(victim);
    }

 private:
    std::string path_ = "/tmp/penstock-XXXXXX";
};

// A replica; `more`: further members of `worker`, as ", max_batch: 2".
inline std::string worker_of(const model_folder& model, const std::string& more = "") {
    return "{worker: {model: \"" + model.path() + "\"" + more + "}}";
}

// Settings of all workers; dead ones are back soon.
inline std::string with_workers(const std::string& more = "restart: {first: 20ms, most: 80ms}") {
    return "worker: {program: \"" + fake_worker() + "\", " + more + "}\n" +
           "health: {slow_start: 0s}\n";
}

inline std::string one_worker(const model_folder& model, const std::string& more = "") {
    return with_workers() + chat_model({worker_of(model, more)});
}

inline std::string series(const std::string& name, const std::string& more = "", int replica = 0) {
    return name +
           R"({model="chat",version="chat/default",pool="chat/default/default",)"
           R"(replica="chat/default/default/r)" +
           std::to_string(replica) + '"' + more + '}';
}

inline bool is_in_state(const running_gateway& gateway, const std::string& state, int replica = 0) {
    const std::string label = R"(,state=")" + state + '"';
    return gateway.metric(series("penstock_upstream_state", label, replica)) == 1;
}
inline bool becomes(const running_gateway& gateway, const std::string& state, int replica = 0) {
    return eventually([&] { return is_in_state(gateway, state, replica); });
}

inline double restarts(const running_gateway& gateway) {
    return gateway.metric(series("penstock_worker_restarts_total"));
}

// What a fake worker's unstreamed answer says.
inline std::string content_of(const test::response& answer) {
    const std::string key = R"("content":")";
    const auto at = answer.body.find(key);
    if (at == std::string::npos) return {};
    const auto begin = at + key.size();
    return answer.body.substr(begin, answer.body.find('"', begin) - begin);
}

// The operational log of the process, from `info` on, while this lives.
class captured_log {
 public:
    captured_log() {
        observe::log::set_output([this](std::string_view line) {
            const std::lock_guard held(mutex_);
            lines_.emplace_back(line);
        });
    }
    ~captured_log() {
        observe::log::set_output({});
        observe::log::set_level(observe::log::level::error);
    }
    captured_log(const captured_log&) = delete;
    captured_log& operator=(const captured_log&) = delete;

    // A gateway that starts sets the level of its settings: after that.
    static void open() { observe::log::set_level(observe::log::level::info); }

    std::vector<log_line> of(std::string_view event) const {
        const std::lock_guard held(mutex_);
        std::vector<log_line> found;
        for (const auto& line : lines_)
            if (log_line(line)["event"] == event) found.emplace_back(line);
        return found;
    }
    bool wait_for(std::string_view event, std::size_t count = 1) const {
        return eventually([&] { return of(event).size() >= count; });
    }

 private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

}  // namespace penstock::gateway
