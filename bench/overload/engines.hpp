// Engines over HTTP: each is the simulator's model of one against the machine's clock. Tokens leave
// when the iteration that made them is over, an event each.
#pragma once

#include "bench/overload/peer.hpp"
#include "simulator/engine.hpp"

#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

namespace penstock::bench {

// What an engine's /metrics do.
enum class telling : std::uint8_t {
    truth,
    nothing,   // takes the request and never answers
    old_truth  // repeats what it said last
};

// When and where a request came to an engine first.
struct arrival {
    time_point at = never_came;
    std::uint32_t engine = 0;
    static constexpr time_point never_came = penstock::never;
};

// Requests say in their text what they are: "#request=17 #prompt=735 #output=164". One thread, that
// of the poller.
class engine_servers {
 public:
    // Listens on 127.0.0.1, ports chosen by the system. Tokens of the poller below `tokens_end` are
    // its own.
    engine_servers(const simulator::engine_model& model, std::uint32_t count, poller& events);
    ~engine_servers();
    engine_servers(const engine_servers&) = delete;
    engine_servers& operator=(const engine_servers&) = delete;

    static constexpr std::uint64_t tokens_end = std::uint64_t{1} << 62;

    const std::vector<int>& ports() const { return ports_; }
    void set_telling(telling how) { telling_ = how; }
    void ready(std::uint64_t token, std::uint32_t events);
    // Ends the iterations that are over by now, and tells of them.
    void advance(time_point now);
    time_point next_event();
    // Spent in iterations that are over, of all engines.
    duration busy() const;
    // Of request `number`; of one that never came, too.
    arrival came(std::uint64_t number) const;

 private:
    struct job {
        std::uint64_t connection = 0;
        std::uint32_t prompt = 1, output = 1, sent = 0;
        bool streamed = false, wants_usage = false;
    };
    struct server {
        explicit server(const simulator::engine_model& model) : works(model, false) {}
        simulator::engine works;
        std::unordered_map<std::uint32_t, job> jobs;
        std::string said;  // of its metrics, last
        int listener = -1;
    };
    struct connection {
        connection(int fd, std::uint32_t engine) : socket(fd), engine(engine) {}
        peer socket;
        std::uint32_t engine;
        std::string unread;  // the begin of a request that is not whole
        std::uint32_t job = 0;
        bool busy = false;
    };

    void accept_all(std::uint32_t engine);
    bool take(std::uint64_t token, connection& from, std::string_view bytes);
    bool answer(
        std::uint64_t token, connection& from, const message_head& head, std::string_view body
    );
    bool begin(std::uint64_t token, connection& from, std::string_view body);
    bool tell_metrics(connection& from);
    void drop(std::uint64_t token);
    void end_iterations(server& s, time_point now);
    void send_tokens(job& to, std::uint32_t count);
    void end(server& s, std::uint32_t id);
    void send_to(const job& to, std::string_view bytes);

    poller& events_;
    std::vector<std::unique_ptr<server>> servers_;
    std::vector<int> ports_;
    std::unordered_map<std::uint64_t, connection> connections_;
    std::uint64_t next_token_;
    std::uint32_t next_job_ = 1;
    telling telling_ = telling::truth;
    std::vector<simulator::engine_news> news_;
    std::vector<arrival> came_;
    std::string token_event_;
};

}  // namespace penstock::bench
