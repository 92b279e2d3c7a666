// Keeps the ranges of a string's users through joining and cutting.
#include "worker/text/jinja/text.hpp"

#include <algorithm>

namespace penstock::worker::jinja {

text text::of_user(std::string_view from) {
    text out;
    out.append_user(from);
    return out;
}

void text::append_user(std::string_view theirs) {
    const std::size_t begin = bytes.size();
    bytes += theirs;
    add_range(begin, bytes.size());
}

void text::append(const text& more, std::size_t begin, std::size_t end) {
    const std::size_t at = bytes.size();
    bytes.append(more.bytes, begin, end - begin);
    auto range = std::partition_point(
        more.users.begin(), more.users.end(), [&](const user_range& r) { return r.end <= begin; }
    );
    for (; range != more.users.end() && range->begin < end; ++range)
        add_range(
            at + std::max(range->begin, begin) - begin, at + std::min(range->end, end) - begin
        );
}

text text::part(std::size_t begin, std::size_t end) const {
    text out;
    out.append(*this, begin, end);
    return out;
}

void text::give_to_user() {
    users.clear();
    add_range(0, bytes.size());
}

void text::add_range(std::size_t begin, std::size_t end) {
    if (begin == end) return;
    if (!users.empty() && users.back().end == begin)
        users.back().end = end;
    else
        users.push_back({begin, end});
}

}  // namespace penstock::worker::jinja
