// One process and its output, without a gateway around it.
#include "gateway/workers/line_splitter.hpp"
#include "gateway/workers/worker_places.hpp"
#include "gateway/workers/worker_process.hpp"
#include "gateway/workers_rig.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

namespace penstock::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// ── lines ───────────────────────────────────────────────────────────────────────────────────────

std::vector<std::string> split(std::size_t longest, const std::vector<std::string>& pieces) {
    std::vector<std::string> lines;
    const auto take = [&](std::string_view line) { lines.emplace_back(line); };
    line_splitter splitter(longest);
    for (const auto& piece : pieces)
        splitter.feed(piece, take);
    splitter.finish(take);
    return lines;
}

TEST(line_splitter, takes_lines_out_of_any_pieces) {
    EXPECT_THAT(split(99, {"one\ntwo\nthr", "", "ee", "\n"}), ElementsAre("one", "two", "three"));
    EXPECT_THAT(split(99, {"one\r\n\n\r\ntwo"}), ElementsAre("one", "two"));
    EXPECT_THAT(split(99, {""}), ElementsAre());
}

TEST(line_splitter, cuts_what_is_longer_than_it_may_hold) {
    EXPECT_THAT(split(4, {"abcdefghij\nk\n"}), ElementsAre("abcd", "efgh", "ij", "k"));
    EXPECT_THAT(split(4, {"abcd\nefgh\n"}), ElementsAre("abcd", "efgh")) << "just fits";
    EXPECT_THAT(split(4, {"ab", "cdef"}), ElementsAre("abcd", "ef"));
}

// ── processes ───────────────────────────────────────────────────────────────────────────────────

result<worker_process> shell(const std::string& script) {
    return worker_process::start({"/bin/sh", "-c", script});
}

// All that it writes until it ends.
std::string output_of(worker_process& child) {
    std::string text;
    eventually([&] {
        char bytes[4096];
        ssize_t n = 0;
        while ((n = ::read(child.output(), bytes, sizeof bytes)) > 0)
            text.append(bytes, static_cast<std::size_t>(n));
        return n == 0;
    });
    return text;
}

std::string how_it_ends(worker_process& child) {
    std::optional<std::string> how;
    eventually([&] { return (how = child.ended()).has_value(); });
    return how.value_or("it runs");
}

TEST(worker_process, tells_how_it_ended) {
    auto by_itself = shell("exit 7");
    ASSERT_TRUE(by_itself);
    EXPECT_EQ(how_it_ends(by_itself.value()), "status 7");
    auto killed = shell("kill -ABRT $$");
    ASSERT_TRUE(killed);
    EXPECT_EQ(how_it_ends(killed.value()), "signal 6");
}

TEST(worker_process, is_not_started_from_what_is_no_program) {
    const auto missing = worker_process::start({"/nowhere/program"});
    ASSERT_TRUE(missing.has_error());
    EXPECT_THAT(missing.error().detail, HasSubstr("/nowhere/program: No such file"));
}

TEST(worker_process, has_nothing_of_ours_but_its_output_and_its_lifeline) {
    const int ours = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as a library might
    ASSERT_EQ(::dup2(ours, 99), 99);
    auto child = shell(
        "[ -e /proc/self/fd/99 ] && echo inherited; [ -p /proc/self/fd/3 ] && echo lifeline; "
        "read line || echo nothing to read; echo to standard error >&2"
    );
    ASSERT_TRUE(child);
    EXPECT_EQ(output_of(child.value()), "lifeline\nnothing to read\nto standard error\n");
    ::close(ours);
    ::close(99);
}

TEST(worker_process, neither_blocks_nor_ignores_a_signal_though_we_do) {
    sigset_t term, before;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &term, &before);
    const auto was = ::signal(SIGPIPE, SIG_IGN);
    auto child = shell(
        "while read a b; do case $a in SigBlk:|SigIgn:) echo $a $b;; esac; done "
        "</proc/self/status"
    );
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::signal(SIGPIPE, was);
    ASSERT_TRUE(child);
    std::istringstream lines(output_of(child.value()));
    std::string name, mask;
    for (const char* expected : {"SigBlk:", "SigIgn:"}) {
        lines >> name >> mask;
        EXPECT_EQ(name, expected);
        constexpr std::uint64_t of_libc = 3ULL << 31;  // 32 and 33, with which it stops threads
        EXPECT_EQ(std::stoull(mask, nullptr, 16) & ~of_libc, 0u) << name << mask;
    }
}

TEST(worker_process, is_signalled_with_all_that_it_started) {
    auto child = shell("sleep 1000 & echo $!; echo; wait");
    ASSERT_TRUE(child);
    std::string text;
    ASSERT_TRUE(eventually([&] {
        char bytes[64];
        const ssize_t n = ::read(child.value().output(), bytes, sizeof bytes);
        if (n > 0) text.append(bytes, static_cast<std::size_t>(n));
        return text.ends_with("\n\n");
    }));
    const pid_t grandchild = std::stoi(text);
    EXPECT_TRUE(is_alive(grandchild));
    child.value().signal(SIGTERM);
    EXPECT_EQ(how_it_ends(child.value()), "signal 15");
    EXPECT_TRUE(eventually([&] { return !is_alive(grandchild); }));
}

TEST(worker_process, leaves_nothing_of_its_group_behind_when_it_dies) {
    auto child = shell("sleep 1000 & echo $!; exit 1");
    ASSERT_TRUE(child);
    EXPECT_EQ(how_it_ends(child.value()), "status 1");
    const pid_t grandchild = std::stoi(output_of(child.value()));
    EXPECT_TRUE(eventually([&] { return !is_alive(grandchild); }));
}

TEST(worker_process, is_killed_and_reaped_with_its_owner) {
    pid_t pid = 0;
    {
        auto child = shell("trap '' TERM; while :; do sleep 1000; done");
        ASSERT_TRUE(child);
        pid = child.value().pid();
        EXPECT_TRUE(is_alive(pid));
    }
    EXPECT_FALSE(std::filesystem::exists("/proc/" + std::to_string(pid))) << "nor is it a zombie";
}

// Its end is what a worker waits for; nothing is ever written.
TEST(worker_process, has_a_lifeline_that_says_nothing_while_we_live) {
    auto child = shell("read line <&3; echo end");
    auto sibling = shell("read line <&3; echo end");
    ASSERT_TRUE(child);
    ASSERT_TRUE(sibling);
    pollfd ready{.fd = child.value().output(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&ready, 1, 100), 0);
}

// ── places ──────────────────────────────────────────────────────────────────────────────────────

class with_runtime_folder {
 public:
    explicit with_runtime_folder(const std::string& path) {
        if (const char* was = std::getenv("XDG_RUNTIME_DIR")) was_ = was;
        ::setenv("XDG_RUNTIME_DIR", path.c_str(), 1);
    }
    ~with_runtime_folder() {
        if (was_)
            ::setenv("XDG_RUNTIME_DIR", was_->c_str(), 1);
        else
            ::unsetenv("XDG_RUNTIME_DIR");
    }

 private:
    std::optional<std::string> was_;
};

TEST(worker_places, are_sockets_in_a_private_folder_that_stay_with_their_id) {
    const model_folder runtime;
    const with_runtime_folder set(runtime.path());
    worker_places places;
    EXPECT_TRUE(places.folder().empty()) << "it is made when it is needed";
    const auto first = places.of("chat/a");
    ASSERT_TRUE(first);
    EXPECT_TRUE(first.value()->socket.starts_with(runtime.path() + "/penstock-"));
    EXPECT_EQ(places.of("chat/a").value(), first.value());
    EXPECT_NE(places.of("chat/b").value()->socket, first.value()->socket);
    struct stat found{};
    ASSERT_EQ(::stat(places.folder().c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0700u);
}

TEST(worker_places, are_under_tmp_when_the_users_folder_is_missing_or_too_deep) {
    const model_folder runtime;
    const std::string deep = runtime.path() + "/" + std::string(90, 'd');
    std::filesystem::create_directory(deep);
    for (const std::string& unusable : {deep, runtime.path() + "/missing", std::string("x")}) {
        const with_runtime_folder set(unusable);
        worker_places places;
        ASSERT_TRUE(places.of("a"));
        EXPECT_TRUE(places.folder().starts_with("/tmp/penstock-")) << unusable;
    }
}

// ── folders of gateways that are gone ───────────────────────────────────────────────────────────

using std::filesystem::exists;

// As a gateway leaves it that is killed: with its lock, which nobody holds.
std::string left_behind(const std::string& root, const std::string& name = "penstock-aB3xyz") {
    const std::string folder = root + '/' + name;
    std::filesystem::create_directory(folder);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
    std::ofstream(folder + "/lock");
    std::ofstream(folder + "/1.sock");
    return folder;
}

TEST(socket_folders, of_gateways_that_are_gone_are_removed_before_the_next_is_made) {
    const model_folder runtime;
    const with_runtime_folder set(runtime.path());
    const std::string old = left_behind(runtime.path());
    worker_places places;
    EXPECT_TRUE(exists(old)) << "nobody has needed a place yet";
    ASSERT_TRUE(places.of("a"));
    EXPECT_FALSE(exists(old));
    EXPECT_TRUE(exists(places.folder()));
}

TEST(socket_folders, of_gateways_that_live_stay_and_go_with_them) {
    const model_folder runtime;
    const with_runtime_folder set(runtime.path());
    std::string first_folder;
    {
        worker_places first, second;
        ASSERT_TRUE(first.of("a"));
        ASSERT_TRUE(second.of("a"));
        first_folder = first.folder();
        std::ofstream(first.of("a").value()->socket);
        EXPECT_TRUE(exists(first_folder));
        remove_stale_folders(runtime.path());
        EXPECT_TRUE(exists(first.of("a").value()->socket));
        EXPECT_TRUE(exists(second.folder()));
    }
    EXPECT_FALSE(exists(first_folder));
}

TEST(socket_folders, that_are_not_surely_ours_are_left_alone) {
    const model_folder runtime;
    const std::string& root = runtime.path();
    const std::string without_lock = left_behind(root, "penstock-nolock");
    std::filesystem::remove(without_lock + "/lock");
    const std::string open_to_others = left_behind(root, "penstock-opened");
    std::filesystem::permissions(open_to_others, std::filesystem::perms(0750));
    const std::string other_name = left_behind(root, "penstock-longer0");
    const std::string with_folder = left_behind(root, "penstock-folder");
    std::filesystem::create_directory(with_folder + "/within");
    const std::string elsewhere = left_behind(root, "elsewhere");
    std::filesystem::create_symlink(elsewhere, root + "/penstock-linked");
    const std::string lock_elsewhere = left_behind(root, "penstock-locked");
    std::filesystem::remove(lock_elsewhere + "/lock");
    std::filesystem::create_symlink(elsewhere + "/lock", lock_elsewhere + "/lock");

    remove_stale_folders(root);
    EXPECT_TRUE(exists(without_lock + "/1.sock"));
    EXPECT_TRUE(exists(open_to_others + "/1.sock"));
    EXPECT_TRUE(exists(other_name + "/1.sock"));
    EXPECT_TRUE(exists(with_folder + "/within"));
    EXPECT_TRUE(exists(elsewhere + "/1.sock"));
    EXPECT_TRUE(exists(lock_elsewhere + "/1.sock"));
}

TEST(socket_folders, lose_a_link_in_them_and_not_what_it_leads_to) {
    const model_folder runtime, precious;
    const std::string old = left_behind(runtime.path());
    std::filesystem::create_symlink(precious.path(), old + "/link");
    remove_stale_folders(runtime.path());
    EXPECT_FALSE(exists(old));
    EXPECT_TRUE(exists(precious.path() + "/config.json"));
}

}  // namespace
}  // namespace penstock::gateway
