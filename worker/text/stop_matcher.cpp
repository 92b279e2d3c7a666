// Stop strings with the automaton of Aho and Corasick (1975): a state is the longest suffix of the
// text that begins a stop string, which is exactly what has to be held back.
#include "worker/text/stop_matcher.hpp"

#include "worker/text/utf8.hpp"

#include <algorithm>

namespace penstock::worker {

stop_matcher::stop_matcher(const std::vector<std::string>& stops) : nodes_(1) {
    for (const std::string& stop : stops) {
        std::uint32_t at = 0;
        for (const char byte : stop) {
            std::uint32_t next = child(at, byte);
            if (next == 0) {
                next = static_cast<std::uint32_t>(nodes_.size());
                node made;
                made.byte = byte;
                made.depth = nodes_[at].depth + 1;
                made.next_sibling = nodes_[at].first_child;
                nodes_.push_back(made);
                nodes_[at].first_child = next;
            }
            at = next;
        }
        nodes_[at].found = nodes_[at].depth;
    }
    // Breadth first: a state's suffixes are shorter, so they are done before it.
    std::vector<std::uint32_t> queue{0};
    for (std::size_t i = 0; i < queue.size(); ++i) {
        const std::uint32_t parent = queue[i];
        for (auto at = nodes_[parent].first_child; at != 0; at = nodes_[at].next_sibling) {
            queue.push_back(at);
            std::uint32_t suffix = nodes_[parent].fail;
            while (suffix != 0 && child(suffix, nodes_[at].byte) == 0)
                suffix = nodes_[suffix].fail;
            if (parent != 0) nodes_[at].fail = child(suffix, nodes_[at].byte);
            if (nodes_[at].found == 0) nodes_[at].found = nodes_[nodes_[at].fail].found;
        }
    }
}

std::uint32_t stop_matcher::child(std::uint32_t of, char byte) const noexcept {
    std::uint32_t at = nodes_[of].first_child;
    while (at != 0 && nodes_[at].byte != byte)
        at = nodes_[at].next_sibling;
    return at;
}

bool stop_matcher::push(std::string_view text, std::string& out) {
    const auto whole_characters = [this](std::size_t size) {
        while (size > 0 && size < held_.size() && continues_utf8(held_[size]))
            --size;
        return size;
    };
    const std::size_t before = held_.size();
    held_.append(text);
    for (std::size_t i = before; i < held_.size(); ++i) {
        std::uint32_t next = child(at_, held_[i]);
        while (next == 0 && at_ != 0) {
            at_ = nodes_[at_].fail;
            next = child(at_, held_[i]);
        }
        at_ = next;
        if (nodes_[at_].found == 0) continue;
        out.append(held_, 0, whole_characters(i + 1 - nodes_[at_].found));
        held_.clear();
        at_ = 0;
        return true;
    }
    const std::size_t free = whole_characters(held_.size() - nodes_[at_].depth);
    out.append(held_, 0, free);
    held_.erase(0, free);
    return false;
}

void stop_matcher::finish(std::string& out) {
    out.append(held_);
    held_.clear();
    at_ = 0;
}

}  // namespace penstock::worker
