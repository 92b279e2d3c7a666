// Lines of a bounded length.
#include "gateway/workers/line_splitter.hpp"

#include <algorithm>

namespace penstock::gateway {

void line_splitter::feed(std::string_view bytes, const take_line& take) {
    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        const std::size_t taken = std::min(end, longest_ - held_.size());
        held_.append(bytes.substr(0, taken));
        bytes.remove_prefix(taken);
        const bool ends_here = !bytes.empty() && bytes.front() == '\n';
        if (ends_here) bytes.remove_prefix(1);
        if (ends_here || held_.size() == longest_) give(take);
    }
}

void line_splitter::finish(const take_line& take) {
    give(take);
}

void line_splitter::give(const take_line& take) {
    if (held_.ends_with('\r')) held_.pop_back();
    if (!held_.empty()) take(held_);
    held_.clear();
}

}  // namespace penstock::gateway
