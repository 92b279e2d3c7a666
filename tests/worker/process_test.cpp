// The program: what it prints, which signals it takes, when it ends.
#include "support/eventually.hpp"
#include "support/test_client.hpp"
#include "worker/tiny_folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <set>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace penstock::worker::test {
namespace {

using penstock::test::get;
using penstock::test::test_client;

// A child with its standard output and standard error at hand; killed with its owner.
class process {
 public:
    // `lifeline`: passes the reading end of a pipe as --lifeline.
    explicit process(std::vector<std::string> arguments, bool lifeline = false) {
        int out[2], err[2], life[2];
        if (pipe(out) != 0 || pipe(err) != 0 || pipe(life) != 0) throw std::runtime_error("pipe");
        if (lifeline) {
            arguments.emplace_back("--lifeline");
            arguments.push_back(std::to_string(life[0]));
        }
        std::vector<char*> argv;
        std::string program = PENSTOCK_WORKER;
        argv.push_back(program.data());
        for (auto& each : arguments)
            argv.push_back(each.data());
        argv.push_back(nullptr);
        child_ = fork();
        if (child_ == 0) {
            dup2(out[1], 1);
            dup2(err[1], 2);
            for (const int fd : {out[0], out[1], err[0], err[1], life[1]})
                close(fd);
            execv(program.c_str(), argv.data());
            _exit(127);
        }
        close(out[1]);
        close(err[1]);
        close(life[0]);
        out_ = out[0];
        err_ = err[0];
        life_ = life[1];
    }
    ~process() {
        if (child_ > 0) {
            kill(child_, SIGKILL);
            waitpid(child_, nullptr, 0);
        }
        for (const int fd : {out_, err_, life_})
            if (fd >= 0) close(fd);
    }
    process(const process&) = delete;
    process& operator=(const process&) = delete;

    // The first line of standard output; what came of one when it ends early.
    std::string read_line() const {
        std::string line;
        char c = 0;
        pollfd ready{out_, POLLIN, 0};
        while (poll(&ready, 1, 30'000) > 0 && read(out_, &c, 1) == 1 && c != '\n')
            line += c;
        return line;
    }
    std::string read_errors() const {
        std::string text;
        char some[4096];
        for (ssize_t got = 0; (got = read(err_, some, sizeof some)) > 0;)
            text.append(some, std::size_t(got));
        return text;
    }
    void signal(int which) const { kill(child_, which); }
    // Of its threads, as the kernel knows them.
    std::multiset<std::string> thread_names() const {
        std::multiset<std::string> names;
        const auto tasks = "/proc/" + std::to_string(child_) + "/task";
        for (const auto& task : std::filesystem::directory_iterator(tasks)) {
            std::ifstream in(task.path() / "comm");
            std::string name;
            if (std::getline(in, name)) names.insert(name);
        }
        return names;
    }
    void cut_lifeline() {
        close(life_);
        life_ = -1;
    }
    // The exit code; nothing while it runs on.
    int exit_code() {
        int status = 0;
        if (waitpid(child_, &status, 0) != child_) return -1;
        child_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

 private:
    pid_t child_ = -1;
    int out_ = -1, err_ = -1, life_ = -1;
};

std::vector<std::string> serving(const tiny_folder& folder) {
    return {
        "--model",
        folder.path().string(),
        "--listen",
        "127.0.0.1:0",
        "--threads",
        "1",
        "--device",
        "cpu",
        "--kv-bytes",
        "4MB"
    };
}

std::uint16_t port_in(const std::string& ready) {
    EXPECT_TRUE(ready.starts_with("ready 127.0.0.1:")) << ready;
    std::uint16_t port = 0;
    const auto colon = ready.rfind(':');
    std::from_chars(ready.data() + colon + 1, ready.data() + ready.size(), port);
    return port;
}

TEST(the_program, says_when_it_is_ready_and_ends_on_sigterm) {
    const tiny_folder folder;
    process worker(serving(folder));
    test_client client(port_in(worker.read_line()));
    EXPECT_EQ(client.exchange(get("/health")).status, 200);
    worker.signal(SIGTERM);
    EXPECT_EQ(worker.exit_code(), 0);
    EXPECT_NE(worker.read_errors().find("\"stopped\""), std::string::npos);
}

// The thread sanitizer's runtime keeps one thread in the background.
#ifdef __SANITIZE_THREAD__
constexpr bool has_sanitizers_own_thread = true;
#else
constexpr bool has_sanitizers_own_thread = false;
#endif

TEST(the_program, names_its_threads_after_what_they_do) {
    const tiny_folder folder;
    auto arguments = serving(folder);
    *std::ranges::find(arguments, "1") = "3";
    arguments.insert(arguments.end(), {"--text-threads", "2"});
    const process worker(arguments, true);
    port_in(worker.read_line());
    // The first one has the program's name.
    std::multiset<std::string> wanted{
        "cpu team 1",
        "cpu team 2",
        "engine",
        "io",
        "lifeline",
        "penstock-worker",
        "signals",
        "text 0",
        "text 1"
    };
    if (has_sanitizers_own_thread) wanted.insert("penstock-worker");
    EXPECT_TRUE(penstock::test::eventually([&] { return worker.thread_names() == wanted; }))
        << testing::PrintToString(worker.thread_names());
}

TEST(the_program, ends_when_whoever_started_it_is_gone) {
    const tiny_folder folder;
    process worker(serving(folder), true);
    port_in(worker.read_line());
    worker.cut_lifeline();
    EXPECT_EQ(worker.exit_code(), 3);
}

TEST(the_program, refuses_a_folder_that_is_no_model) {
    const penstock::test::temporary_folder empty;
    process worker({"--model", empty.path().string(), "--listen", "127.0.0.1:0"});
    EXPECT_EQ(worker.exit_code(), 1);
    EXPECT_NE(worker.read_errors().find("tokenizer.json"), std::string::npos);
}

TEST(the_program, tells_its_version_and_its_options) {
    process version({"--version"});
    EXPECT_TRUE(version.read_line().starts_with("penstock-worker "));
    EXPECT_EQ(version.exit_code(), 0);
    process none({});
    EXPECT_NE(none.exit_code(), 0) << "--model and --listen are needed";
    EXPECT_NE(none.read_errors().find("--model"), std::string::npos);
}

TEST(the_program, refuses_a_share_for_bulk_that_the_engine_would_refuse) {
    const penstock::test::temporary_folder empty;
    for (const char* share : {"1", "1.0", "-0.1", "nan", "much"}) {
        process worker(
            {"--model", empty.path().string(), "--listen", "127.0.0.1:0", "--bulk-reserve", share}
        );
        EXPECT_NE(worker.exit_code(), 0);
        EXPECT_NE(worker.read_errors().find("--bulk-reserve"), std::string::npos) << share;
    }
    for (const char* share : {"0", "0.999"}) {
        process worker(
            {"--model", empty.path().string(), "--listen", "127.0.0.1:0", "--bulk-reserve", share}
        );
        worker.exit_code();
        EXPECT_EQ(worker.read_errors().find("--bulk-reserve"), std::string::npos) << share;
    }
}

}  // namespace
}  // namespace penstock::worker::test
