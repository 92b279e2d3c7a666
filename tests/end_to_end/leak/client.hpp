// Clients that leave, dawdle and send nonsense, many at a time.
#pragma once

#include "support/socket.hpp"
#include "ways.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

namespace penstock::leak {

// What the clients of one run saw, all threads together.
struct tally {
    std::atomic<std::uint64_t> left{0};   // answers that the client did not wait for
    std::atomic<std::uint64_t> stuck{0};  // answers that never came or never ended
    std::atomic<std::uint64_t> torn{0};   // connections that ended inside an answer
    std::array<std::atomic<std::uint64_t>, 6> answered{};  // by the hundreds of their status
    std::atomic<std::uint64_t> wrong{0};  // a sound upstream's answers that were not passed on
};

std::string request(serving way, bool streamed, std::size_t body_size);

// One thread's client: a connection that is kept as long as both sides keep it.
class client {
 public:
    client(std::uint16_t port, std::uint64_t seed, tally& seen)
        : port_(port), random_(seed), seen_(seen) {}
    // One request, or two that are pipelined.
    void ask();

 private:
    enum class got { whole, torn, stuck };

    std::uint64_t below(std::uint64_t n) { return random_() % n; }
    asking choose_asking();
    serving choose_serving(asking how);
    void leave();
    void leave_in_answer(bool slowly);
    got read_answer(bool slowly);
    void note(got what, serving way);

    std::uint16_t port_;
    std::mt19937_64 random_;
    tally& seen_;
    test::descriptor connection_;
    std::string bytes_;  // read, of the next answer
    int status_ = 0;
};

}  // namespace penstock::leak
