// What this program measures, and how a figure is said: one JSON object in one line each.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

namespace penstock::bench {

struct settings {
    unsigned threads = 1;
    double seconds = 0.3;  // of one figure
    bool portable = false;
};

inline void say(const std::string& figure, double value, const char* unit) {
    std::printf(
        "{\"figure\": \"%s\", \"value\": %.4g, \"unit\": \"%s\"}\n", figure.c_str(), value, unit
    );
    std::fflush(stdout);
}

// Seconds of one call: the fastest of as many as fit, since whatever else runs on the machine can
// only make one slower.
template <class Work>
double fastest(double seconds, Work&& work) {
    using clock = std::chrono::steady_clock;
    const auto end = clock::now() + std::chrono::duration<double>(seconds);
    double best = 1e30;
    do {
        const auto begin = clock::now();
        work();
        best = std::min(best, std::chrono::duration<double>(clock::now() - begin).count());
    } while (clock::now() < end);
    return best;
}

// Of the machine itself: bytes read from memory per second, and floating-point operations per
// second of multiply-adds with AVX2 (0 where there is none). All threads.
double read_bandwidth(const settings& how);
double fma_peak(const settings& how);

// The products and the sampling of a 0.5B-shaped model.
void measure_products(const settings& how, double bandwidth, double peak);

}  // namespace penstock::bench
