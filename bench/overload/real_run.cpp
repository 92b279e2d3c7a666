// A load against a gateway with real bytes.
#include "bench/overload/real_run.hpp"

#include <algorithm>

namespace penstock::bench {
namespace {

constexpr std::uint64_t input_token = ~std::uint64_t{0};
constexpr duration before_the_first = std::chrono::milliseconds(50);

}  // namespace

// Until something happens, at the latest until then. True: there is input.
bool real_run::serve_until(time_point until) {
    until = std::min(until, engines_.next_event());
    if (clients_) until = std::min(until, clients_->next_event());
    const auto deadline = until == penstock::never ? never : until.time_since_epoch().count();
    bool has_input = false;
    for (const auto& ready : events_.wait_until(deadline)) {
        const std::uint64_t token = ready.data.u64;
        if (token == input_token)
            has_input = true;
        else if (token >= open_loop_client::first_token)
            clients_->ready(token, ready.events);
        else
            engines_.ready(token, ready.events);
    }
    engines_.advance(now());
    if (clients_) clients_->advance(now());
    return has_input;
}

std::string real_run::next_line() {
    events_.add_readable(STDIN_FILENO, input_token);
    while (!serve_until(penstock::never)) {
    }
    std::string line;
    for (char byte = 0; read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n';)
        line += byte;
    return line;
}

real_result real_run::all(
    const simulator::setup& what, gateway_place to, std::vector<moment> moments
) {
    real_result made;
    const time_point begin = now() + before_the_first;
    made.run.from = time_point(what.load.warm_up);
    made.run.until = time_point(what.load.length);
    duration busy{};
    moments.push_back({what.load.warm_up, [&] { busy = -engines_.busy(); }});
    moments.push_back({what.load.length, [&] { busy += engines_.busy(); }});
    std::stable_sort(moments.begin(), moments.end(), [](const moment& a, const moment& b) {
        return a.at < b.at;
    });
    clients_.emplace(what.load, std::move(to), begin, events_);
    const time_point last = begin + what.load.length + what.drain;
    auto next = moments.begin();
    while (now() < last && (next != moments.end() || !clients_->is_over())) {
        serve_until(next == moments.end() ? last : begin + next->at);
        for (; next != moments.end() && begin + next->at <= now(); ++next)
            next->what();
    }
    const double window = seconds(made.run.until - made.run.from) * replicas_;
    made.run.busy = seconds(busy) / window;
    made.run.records = clients_->records();
    made.failures = clients_->failures();
    made.latest = clients_->latest();
    take_arrivals(made.run, begin);
    return made;
}

void real_run::take_arrivals(simulator::run_result& of, time_point begin) const {
    for (std::size_t i = 0; i < of.records.size(); ++i) {
        const arrival came = engines_.came(i + 1);
        if (came.at == arrival::never_came) continue;
        simulator::record& r = of.records[i];
        r.granted = true;
        r.replica = came.engine;
        r.dispatched = time_point(came.at - begin);
    }
}

}  // namespace penstock::bench
