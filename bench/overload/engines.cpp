// Engines over HTTP.
#include "bench/overload/engines.hpp"

#include "bench/load/texts.hpp"

#include <algorithm>

namespace penstock::bench {
namespace {

using simulator::engine_news;

constexpr std::uint64_t requests_max = 10'000'000;

std::string usage(std::uint32_t prompt, std::uint32_t output) {
    return R"("usage":{"prompt_tokens":)" + std::to_string(prompt) + R"(,"completion_tokens":)" +
           std::to_string(output) + R"(,"total_tokens":)" + std::to_string(prompt + output) + "}";
}

std::string whole_answer(std::uint32_t prompt, std::uint32_t output) {
    std::string body = R"({"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,)"
                       R"("model":"bench","choices":[{"index":0,"message":{"role":"assistant",)"
                       R"("content":")";
    for (std::uint32_t i = 0; i < output; ++i)
        body += " word";
    body += R"("},"finish_reason":"stop"}],)" + usage(prompt, output) + "}";
    return sized("200 OK", body);
}

// As vLLM names them.
std::string metrics_of(const simulator::engine& e) {
    constexpr std::uint64_t block = 16;
    const simulator::engine_model& model = e.model();
    const double kv = double(e.kv_used()) / double(model.kv_tokens);
    const std::string labels = R"({engine="0",model_name="bench"} )";
    return "vllm:num_requests_running" + labels + std::to_string(e.running()) +
           "\nvllm:num_requests_waiting" + labels + std::to_string(e.waiting()) +
           "\nvllm:kv_cache_usage_perc" + labels + std::to_string(kv) +
           "\nvllm:num_preemptions_total" + labels + "0\nvllm:cache_config_info{block_size=\"" +
           std::to_string(block) + "\",num_gpu_blocks=\"" +
           std::to_string(model.kv_tokens / block) + "\"} 1\n";
}

std::uint32_t wish(std::string_view body, std::string_view name) {
    const auto at = body.find(name);
    if (at == std::string_view::npos) return 1;
    const std::int64_t said = to_number(body.substr(at + name.size()));
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(said, 1, requests_max));
}

int listen_anywhere(int& port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    auto address = loopback(0);
    socklen_t size = sizeof address;
    auto* where = reinterpret_cast<sockaddr*>(&address);
    if (fd < 0 || bind(fd, where, size) != 0 || listen(fd, 4096) != 0) give_up("listen");
    getsockname(fd, where, &size);
    port = ntohs(address.sin_port);
    return fd;
}

}  // namespace

engine_servers::engine_servers(
    const simulator::engine_model& model, std::uint32_t count, poller& events
)
    : events_(events),
      next_token_(count),
      token_event_(event(
          R"({"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null})", "]"
      )) {
    for (std::uint32_t i = 0; i < count; ++i) {
        server& s = *servers_.emplace_back(std::make_unique<server>(model));
        s.listener = listen_anywhere(ports_.emplace_back());
        events_.add_readable(s.listener, i);
    }
}

engine_servers::~engine_servers() {
    for (const auto& each : servers_)
        close(each->listener);
}

duration engine_servers::busy() const {
    duration sum{};
    for (const auto& each : servers_)
        sum += each->works.busy();
    return sum;
}

arrival engine_servers::came(std::uint64_t number) const {
    return number < came_.size() ? came_[number] : arrival{};
}

// ── connections ─────────────────────────────────────────────────────────────────────────────────

void engine_servers::ready(std::uint64_t token, std::uint32_t events) {
    if (token < servers_.size()) return accept_all(static_cast<std::uint32_t>(token));
    const auto found = connections_.find(token);
    if (found == connections_.end()) return;
    connection& c = found->second;
    const bool stays = ((events & EPOLLOUT) == 0 || c.socket.flush()) &&
                       c.socket.read_all([&](auto bytes) { return take(token, c, bytes); });
    if (!stays) drop(token);
}

void engine_servers::accept_all(std::uint32_t engine) {
    for (;;) {
        const int fd = accept4(servers_[engine]->listener, nullptr, nullptr, SOCK_NONBLOCK);
        if (fd < 0) return;
        send_at_once(fd);
        connections_.try_emplace(next_token_, fd, engine);
        events_.add(fd, next_token_++);
    }
}

// Who leaves is out of the batch from the next iteration on.
void engine_servers::drop(std::uint64_t token) {
    const auto found = connections_.find(token);
    const connection& c = found->second;
    server& s = *servers_[c.engine];
    if (c.busy && s.jobs.erase(c.job) > 0) {
        s.works.cancel(c.job, now(), news_);
        end_iterations(s, now());
    }
    connections_.erase(found);
}

bool engine_servers::take(std::uint64_t token, connection& from, std::string_view bytes) {
    from.unread += bytes;
    std::string_view rest = from.unread;
    const auto each = [&](const message_head& head, std::string_view body) {
        return answer(token, from, head, body);
    };
    if (!take_requests(rest, each)) return false;
    from.unread.erase(0, from.unread.size() - rest.size());
    return true;
}

bool engine_servers::answer(
    std::uint64_t token, connection& from, const message_head& head, std::string_view body
) {
    if (head.first_line.starts_with("POST ")) return begin(token, from, body);
    if (head.first_line.starts_with("GET /metrics ")) return tell_metrics(from);
    if (head.first_line.starts_with("GET /v1/models "))
        return from.socket.send(sized("200 OK", model_list));
    if (head.first_line.starts_with("GET /health ")) return from.socket.send(sized("200 OK", "{}"));
    return from.socket.send(sized("404 Not Found", R"({"detail":"Not Found"})"));
}

bool engine_servers::tell_metrics(connection& from) {
    server& s = *servers_[from.engine];
    if (telling_ == telling::nothing) return true;
    if (telling_ == telling::truth || s.said.empty()) s.said = metrics_of(s.works);
    return from.socket.send(sized("200 OK", s.said, "text/plain"));
}

bool engine_servers::begin(std::uint64_t token, connection& from, std::string_view body) {
    server& s = *servers_[from.engine];
    const time_point at = now();
    from.job = next_job_++;
    from.busy = true;
    job& made = s.jobs[from.job];
    made.connection = token;
    made.prompt = wish(body, "#prompt=");
    made.output = wish(body, "#output=");
    made.streamed = asks_for_stream(body);
    made.wants_usage = body.find("\"include_usage\"") != std::string_view::npos;
    const std::uint32_t number = wish(body, "#request=");
    if (number >= came_.size()) came_.resize(number + 1);
    if (came_[number].at == arrival::never_came) came_[number] = {at, from.engine};
    s.works.submit({from.job, made.prompt, made.output}, at, news_);
    const bool sent = !made.streamed || from.socket.send(stream_head);
    end_iterations(s, at);
    return sent;
}

// ── iterations ──────────────────────────────────────────────────────────────────────────────────

time_point engine_servers::next_event() {
    time_point next = penstock::never;
    for (const auto& each : servers_)
        next = std::min(next, each->works.next_event());
    return next;
}

void engine_servers::advance(time_point now) {
    for (const auto& each : servers_)
        if (each->works.next_event() <= now) end_iterations(*each, now);
}

void engine_servers::end_iterations(server& s, time_point now) {
    s.works.advance(now, news_);
    for (const engine_news& each : news_) {
        const auto found = s.jobs.find(each.id);
        if (found == s.jobs.end()) continue;
        if (each.what == engine_news::kind::first_token)
            send_tokens(found->second, 1);
        else
            end(s, each.id);
    }
    news_.clear();
    s.works.report_progress([&](std::uint32_t id, std::uint32_t tokens) {
        const auto found = s.jobs.find(id);
        if (found != s.jobs.end()) send_tokens(found->second, tokens);
    });
}

void engine_servers::send_tokens(job& to, std::uint32_t count) {
    for (; count > 0; --count, ++to.sent)
        if (to.streamed) send_to(to, token_event_);
}

void engine_servers::end(server& s, std::uint32_t id) {
    job& done = s.jobs[id];
    send_tokens(done, done.output - done.sent);
    if (done.streamed) {
        std::string tail = event(R"({"index":0,"delta":{},"finish_reason":"stop"})", "]");
        if (done.wants_usage) tail += event("", "]," + usage(done.prompt, done.output));
        send_to(done, tail += end_of_stream());
    } else {
        send_to(done, whole_answer(done.prompt, done.output));
    }
    if (const auto at = connections_.find(done.connection); at != connections_.end())
        at->second.busy = false;
    s.jobs.erase(id);
}

// A broken connection is noticed where it is read.
void engine_servers::send_to(const job& to, std::string_view bytes) {
    const auto found = connections_.find(to.connection);
    if (found != connections_.end()) found->second.socket.send(bytes);
}

}  // namespace penstock::bench
