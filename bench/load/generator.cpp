// Load for a gateway: valid chat completions over keep-alive connections, from one thread.
//
//   load_generator --port 4000 --connections 64 --seconds 5 --body 400              closed loop
//   load_generator … --rate 1000                       open loop: latency from the scheduled time
//   load_generator … --streams 500 --events 200 --events-per-second 50              paced streams
//   load_generator … --open 9000 --events-per-second 0.2    holds streams until its input closes
//
// `--key K` and `--model M` are what the gateway asks for. Prints one JSON object; with --open one
// line {"ready": N} before it, once every stream has had two events. Streams
// begin evenly over `--ramp` seconds, and latencies of events count from then on.
#include "histogram.hpp"
#include "plan.hpp"
#include "response.hpp"

#include <csignal>
#include <vector>

namespace penstock::bench {
namespace {

struct tally {
    std::uint64_t requests = 0;  // complete and right
    std::int64_t last = 0;       // when the last of these was complete
    std::uint64_t events = 0;
    std::uint64_t bad_status = 0;
    std::uint64_t bad_answer = 0;  // cut, malformed or not the upstream's
    std::uint64_t not_connected = 0;
    std::uint64_t unfinished = 0;  // when patience ended
    histogram latency;             // of a request, from its due time to its last byte
    histogram event_latency;       // of an event, from the upstream's stamp to its arrival
    histogram gap;                 // between two events of a stream

    std::uint64_t errors() const { return bad_status + bad_answer + not_connected + unfinished; }
};

struct connection {
    enum class phase { closed, connecting, idle, busy };

    int fd = -1;
    phase at = phase::closed;
    bool requested = false;  // busy as soon as it is connected
    std::size_t sent = 0;
    std::int64_t due = 0;  // when its request should have begun
    std::int64_t last_event = 0;
    std::uint32_t events = 0;
    bool saw_end = false;
    response answer;
    std::string text;  // payload not looked at yet
};

class generator {
 public:
    explicit generator(const plan& plan)
        : plan_(plan),
          request_(request_of(plan)),
          connections_(plan.connections),
          stream_step_(step_between_streams(plan)) {
        for (std::size_t i = connections_.size(); i > 0; --i)
            idle_.push_back(i - 1);
    }

    void run() {
        if (!plan_.streamed()) connect_all();
        begin_ = now_ns();
        const auto load_time = static_cast<std::int64_t>(plan_.seconds * 1e9);
        end_ = plan_.kind == load::open ? never : begin_ + load_time;
        ramped_ = begin_ + static_cast<std::int64_t>(plan_.ramp * 1e9);
        give_up_ = plan_.kind == load::open ? never : end_ + patience;
        if (plan_.kind == load::open) poller_.add_readable(STDIN_FILENO, input_token);
        while (!finished()) {
            begin_due_requests();
            for (const auto& ready : poller_.wait_until(next_wakeup())) {
                if (ready.data.u64 == input_token)
                    input_closed_ = true;
                else
                    serve(connections_[ready.data.u64], ready.events);
            }
            if (plan_.kind == load::open) report_ready();
        }
        tally_.unfinished = plan_.kind == load::open ? 0 : begun_ - ended_;
        report();
    }

 private:
    static constexpr std::int64_t patience = 5 * nanoseconds_per_second;
    static constexpr std::uint64_t input_token = UINT64_MAX;

    // The part that the period adds spreads the phases: without it 100 streams of 50 events/s would
    // begin every 10 ms and send all their events at two instants of each 20 ms.
    static double step_between_streams(const plan& plan) {
        const auto period = std::min(0.02, static_cast<double>(plan.period_us) / 1e6);
        return (plan.ramp + period) * 1e9 / static_cast<double>(plan.connections);
    }

    void connect_all() {
        for (auto& connection : connections_)
            connect(connection);
        const auto limit = now_ns() + patience;
        const auto waiting = [](const auto& c) { return c.at == connection::phase::connecting; };
        while (std::any_of(connections_.begin(), connections_.end(), waiting) && now_ns() < limit)
            for (const auto& ready : poller_.wait_until(limit))
                serve(connections_[ready.data.u64], ready.events);
    }

    void connect(connection& connection) {
        connection.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connection.fd < 0) give_up("socket");
        send_at_once(connection.fd);
        connection.at = connection::phase::connecting;
        const auto address = loopback(plan_.port);
        ::connect(connection.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        poller_.add(connection.fd, static_cast<std::uint64_t>(&connection - connections_.data()));
    }

    // The time at which the next request of an open loop is due; a closed loop's is always now.
    std::int64_t next_due() const {
        const auto number = static_cast<double>(begun_);
        switch (plan_.kind) {
            case load::closed:
                return begin_;
            case load::paced:
                return begin_ + static_cast<std::int64_t>(number * 1e9 / plan_.rate);
            case load::open:
            case load::streams:
                return begin_ + static_cast<std::int64_t>(number * stream_step_);
        }
        return never;
    }

    bool all_begun() const {
        return plan_.streamed() ? begun_ == plan_.connections
                                : next_due() >= end_ || now_ns() >= end_;
    }

    std::int64_t next_wakeup() const {
        if (!all_begun() && !idle_.empty()) return next_due();
        return all_begun() ? give_up_ : std::min(end_, give_up_);
    }

    bool finished() const {
        if (plan_.kind == load::open) return input_closed_;
        return (all_begun() && begun_ == ended_) || now_ns() >= give_up_;
    }

    void begin_due_requests() {
        while (!idle_.empty() && !all_begun()) {
            const auto due = next_due();
            const auto now = now_ns();
            if (due > now) return;
            auto& connection = connections_[idle_.back()];
            idle_.pop_back();
            begin(connection, plan_.kind == load::closed ? now : due);
        }
    }

    void begin(connection& connection, std::int64_t due) {
        begun_++;
        connection.due = due;
        connection.requested = true;
        if (connection.at == connection::phase::closed) connect(connection);
        if (connection.at == connection::phase::idle) begin_sending(connection);
    }

    void begin_sending(connection& connection) {
        connection.at = connection::phase::busy;
        connection.sent = 0;
        connection.events = 0;
        connection.saw_end = false;
        connection.text.clear();
        connection.answer.restart();
        send_more(connection);
    }

    void send_more(connection& connection) {
        const auto sent = ::send(
            connection.fd,
            request_.data() + connection.sent,
            request_.size() - connection.sent,
            MSG_NOSIGNAL
        );
        if (sent > 0) connection.sent += static_cast<std::size_t>(sent);
    }

    void serve(connection& connection, std::uint32_t events) {
        using phase = connection::phase;
        if (connection.at == phase::connecting) {
            if ((events & (EPOLLERR | EPOLLHUP)) != 0)
                return fail(connection, tally_.not_connected);
            if ((events & EPOLLOUT) == 0) return;
            connection.at = phase::idle;
            if (connection.requested) begin_sending(connection);
        }
        if (connection.at == phase::busy && connection.sent < request_.size())
            send_more(connection);
        while (connection.fd >= 0 && (events & ~EPOLLOUT) != 0) {
            const auto size = recv(connection.fd, scratch_, sizeof scratch_, 0);
            if (size < 0 && errno == EAGAIN) return;
            if (size <= 0) return closed_by_peer(connection);
            take(connection, {scratch_, static_cast<std::size_t>(size)});
            if (static_cast<std::size_t>(size) < sizeof scratch_ && (events & EPOLLRDHUP) == 0)
                return;
        }
    }

    void closed_by_peer(connection& connection) {
        if (connection.at == connection::phase::busy) return fail(connection, tally_.bad_answer);
        close_socket(connection);
    }

    void close_socket(connection& connection) {
        if (connection.fd >= 0) close(connection.fd);
        connection.fd = -1;
        connection.at = connection::phase::closed;
    }

    void fail(connection& connection, std::uint64_t& kind) {
        kind++;
        close_socket(connection);
        if (connection.requested) release(connection);
    }

    void release(connection& connection) {
        ended_++;
        connection.requested = false;
        if (!plan_.streamed())
            idle_.push_back(static_cast<std::size_t>(&connection - connections_.data()));
    }

    void take(connection& connection, std::string_view bytes) {
        if (connection.at != connection::phase::busy) return fail(connection, tally_.bad_answer);
        const auto arrived = now_ns();
        connection.answer.take(bytes, [&](std::string_view piece) { connection.text += piece; });
        if (plan_.streamed() && connection.answer.status() == 200) take_events(connection, arrived);
        if (connection.answer.broken()) return fail(connection, tally_.bad_answer);
        if (!connection.answer.done()) return;
        if (connection.answer.status() != 200) return fail(connection, tally_.bad_status);
        const bool right = plan_.streamed()
                               ? connection.saw_end && connection.events == plan_.events
                               : is_whole_answer(connection.text);
        if (!right) return fail(connection, tally_.bad_answer);
        complete(connection, arrived);
    }

    static bool is_whole_answer(std::string_view text) {
        return text.starts_with('{') && text.find_last_of('}') + 3 > text.size() &&
               text.find("bench-answer: a short one.") != std::string_view::npos;
    }

    void complete(connection& connection, std::int64_t arrived) {
        tally_.requests++;
        tally_.last = arrived;
        tally_.latency.add(arrived - connection.due);
        connection.at = connection::phase::idle;
        if (connection.answer.closes()) close_socket(connection);
        release(connection);
        begin_due_requests();
    }

    void take_events(connection& connection, std::int64_t arrived) {
        std::string_view text = connection.text;
        for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
            take_line(connection, text.substr(0, end), arrived);
            text.remove_prefix(end + 1);
        }
        connection.text.erase(0, connection.text.size() - text.size());
    }

    void take_line(connection& connection, std::string_view line, std::int64_t arrived) {
        if (line.starts_with("data: [DONE]")) connection.saw_end = true;
        const auto mark = line.find('@');
        if (mark == std::string_view::npos) return;
        connection.events++;
        tally_.events++;
        if (connection.events == 2) twice_++;
        if (arrived > ramped_ || plan_.connections == 1) {
            tally_.event_latency.add(arrived - to_number(line.substr(mark + 1, 16)));
            if (connection.events > 1) tally_.gap.add(arrived - connection.last_event);
        }
        connection.last_event = arrived;
    }

    void report_ready() {
        if (ready_said_ || twice_ + tally_.errors() < plan_.connections) return;
        ready_said_ = true;
        std::printf("{\"ready\": %zu}\n", twice_);
        std::fflush(stdout);
    }

    void report() const;

    plan plan_;
    std::string request_;
    std::vector<connection> connections_;
    std::vector<std::size_t> idle_;
    poller poller_;
    tally tally_;
    std::int64_t begin_ = 0;
    std::int64_t end_ = 0;
    std::int64_t give_up_ = 0;
    std::int64_t ramped_ = 0;  // all streams have begun
    double stream_step_;       // nanoseconds from the begin of one stream to the next
    std::uint64_t begun_ = 0;
    std::uint64_t ended_ = 0;
    std::size_t twice_ = 0;
    bool ready_said_ = false;
    bool input_closed_ = false;
    char scratch_[64 * 1024];
};

void print_quantiles(const char* name, const histogram& times) {
    std::printf(
        ", \"%s\": {\"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f, \"p999\": %.2f, \"max\": %.2f}",
        name,
        times.quantile_us(0.5),
        times.quantile_us(0.9),
        times.quantile_us(0.99),
        times.quantile_us(0.999),
        times.largest_us()
    );
}

void generator::report() const {
    // Until the last answer: a slow server's answers to what it already had belong to its speed.
    const auto took = std::max(1e-9, static_cast<double>(tally_.last - begin_) / 1e9);
    const auto count = [](std::uint64_t number) { return static_cast<unsigned long long>(number); };
    std::printf(
        "{\"requests\": %llu, \"rps\": %.1f, \"errors\": %llu, \"bad_status\": %llu, "
        "\"bad_answer\": %llu, \"not_connected\": %llu, \"unfinished\": %llu",
        count(tally_.requests),
        static_cast<double>(tally_.requests) / took,
        count(tally_.errors()),
        count(tally_.bad_status),
        count(tally_.bad_answer),
        count(tally_.not_connected),
        count(tally_.unfinished)
    );
    timespec cpu{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    std::printf(
        ", \"begun\": %llu, \"events\": %llu, \"cpu_seconds\": %.6f",
        count(begun_),
        count(tally_.events),
        static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) / 1e9
    );
    print_quantiles("latency_us", tally_.latency);
    if (plan_.streamed()) {
        print_quantiles("event_latency_us", tally_.event_latency);
        print_quantiles("gap_us", tally_.gap);
    }
    std::printf("}\n");
}

}  // namespace
}  // namespace penstock::bench

int main(int count, char** values) {
    using namespace penstock::bench;
    prepare_process();
    signal(SIGPIPE, SIG_IGN);
    static generator load{plan(arguments(count, values))};
    load.run();
}
