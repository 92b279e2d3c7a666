// Finished requests by route and status. The loop's thread.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

namespace penstock::worker {

// Routes are those of the table of endpoints and statuses are few: the table is bounded by both.
class request_counts {
 public:
    // 499: the client had left. `route` must live as long as the counts.
    void count(std::string_view route, int status) { ++counts_[{route, status}]; }

    const std::map<std::pair<std::string_view, int>, std::uint64_t>& all() const noexcept {
        return counts_;
    }

 private:
    std::map<std::pair<std::string_view, int>, std::uint64_t> counts_;
};

}  // namespace penstock::worker
