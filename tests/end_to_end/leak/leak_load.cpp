// The load of the leak test: upstreams and clients that misbehave in every way they can. Told what
// to do by lines on its input; answers each with one line.
//     (at the start)           upstream PORT PORT
//     load GATEWAY COUNT SEED  left=… stuck=… torn=… wrong=… 2xx=… 4xx=… 5xx=…
//     hold GATEWAY COUNT       silent N      after so many requests without an answer were sent
//     release                  silent 0
#include "client.hpp"
#include "upstream.hpp"

#include <iostream>
#include <sstream>
#include <sys/socket.h>
#include <thread>
#include <utility>
#include <vector>

namespace penstock::leak {
namespace {

constexpr int num_threads = 32;

void load(std::uint16_t gateway, std::int64_t count, std::uint64_t seed) {
    tally seen;
    std::atomic<std::int64_t> left{count};
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < num_threads; ++i)
        threads.emplace_back([&, i] {
            client mine(gateway, seed * num_threads + i, seen);
            while (left.fetch_sub(1) > 0)
                mine.ask();
        });
    for (auto& thread : threads)
        thread.join();
    std::cout << "left=" << seen.left << " stuck=" << seen.stuck << " torn=" << seen.torn
              << " wrong=" << seen.wrong << " 2xx=" << seen.answered[2]
              << " 4xx=" << seen.answered[4] << " 5xx=" << seen.answered[5] << std::endl;
}

// Waits until the count stays the same for a while.
void tell_silent() {
    int before = -1, now = upstream::num_silent();
    while (now != before) {
        test::wait(-1, false, -1, test::milliseconds(500), false);
        before = std::exchange(now, upstream::num_silent());
    }
    std::cout << "silent " << now << std::endl;
}

int run() {
    const upstream first, second;
    std::cout << "upstream " << first.port() << ' ' << second.port() << std::endl;
    std::vector<test::descriptor> held;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        std::string command;
        std::uint16_t gateway = 0;
        std::int64_t count = 0;
        std::uint64_t seed = 0;
        words >> command >> gateway >> count >> seed;
        if (command == "load") {
            load(gateway, count, seed);
        } else if (command == "hold") {
            const std::string text = request(serving::silent, true, 10);
            for (; count > 0; --count) {
                held.push_back(test::connect_tcp(gateway));
                ::send(held.back().get(), text.data(), text.size(), MSG_NOSIGNAL);
            }
            tell_silent();
        } else {
            held.clear();
            tell_silent();
        }
    }
    // The gateway may hold connections to the upstreams still; the process ends with them.
    std::quick_exit(0);
}

}  // namespace
}  // namespace penstock::leak

int main() {
    return penstock::leak::run();
}
