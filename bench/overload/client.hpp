// The clients of a load, open loop: each request is sent when it is due, whatever became of those
// before it, and all times count from when it was due.
#pragma once

#include "bench/load/response.hpp"
#include "bench/overload/peer.hpp"
#include "simulator/client.hpp"
#include "simulator/run.hpp"

#include <map>
#include <optional>
#include <queue>
#include <unordered_map>
#include <vector>

namespace penstock::bench {

struct gateway_place {
    int port = 0;
    std::string model = "bench";
};

// The key of a tenant.
inline std::string key_of(const simulator::tenant_load& tenant) {
    return "sk-bench-" + tenant.name;
}

// Requests of a load through a gateway. One thread, that of the poller.
class open_loop_client {
 public:
    // The load's time zero is `begin`.
    open_loop_client(
        const simulator::load_spec& load, gateway_place to, time_point begin, poller& events
    );

    // Tokens of the poller from this one on are its own.
    static constexpr std::uint64_t first_token = std::uint64_t{1} << 62;

    void ready(std::uint64_t token, std::uint32_t events);
    // Sends what is due and gives up what has waited for too long.
    void advance(time_point now);
    time_point next_event() const;
    bool is_over() const { return !due_ && flying_ == 0; }

    // Times from the load's zero on, as of a simulated run; who was granted a replica is not known
    // here.
    const std::vector<simulator::record>& records() const { return records_; }
    // Failures, by what came instead: "status 502", "cut".
    const std::map<std::string, std::uint32_t>& failures() const { return failures_; }
    duration latest() const { return latest_; }  // that a request was sent after it was due

 private:
    struct connection {
        explicit connection(int fd) : socket(fd) {}
        peer socket;
        response answer;
        std::string text;  // of the body, not looked at yet
        std::uint32_t request = 0;
        std::uint32_t tokens = 0;
        bool busy = false, saw_end = false;
    };
    struct patience {
        time_point until;
        std::uint32_t request;
        bool operator>(const patience& other) const { return until > other.until; }
    };

    void send(const simulator::request& what);
    std::string bytes_of(const simulator::request& what, std::size_t number) const;
    std::uint64_t any_connection();
    void lose_patience(std::uint32_t request);
    bool take(connection& c, std::string_view bytes);
    void take_lines(connection& c);
    void answered(connection& c);
    void end(connection& c, simulator::fate how);
    void fail(connection& c, const std::string& why);
    time_point since_zero(time_point at) const { return time_point(at - begin_); }

    const simulator::load_spec load_;
    const gateway_place to_;
    const time_point begin_;
    poller& events_;
    simulator::load_source source_;
    simulator::client_habits habits_;
    std::optional<simulator::request> due_;
    std::vector<simulator::record> records_;
    std::vector<std::uint64_t> connection_of_;  // by request
    std::unordered_map<std::uint64_t, connection> connections_;
    std::vector<std::uint64_t> idle_;
    std::priority_queue<patience, std::vector<patience>, std::greater<>> patience_;
    std::map<std::string, std::uint32_t> failures_;
    std::uint64_t next_token_ = first_token;
    std::uint32_t flying_ = 0;
    duration latest_{};
};

}  // namespace penstock::bench
