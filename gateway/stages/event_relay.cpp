// Events pass as they come. One that spans reads is copied, so that it can be read whole; when a
// usage event must not be shown, an incomplete one is held back until it cannot be that.
#include "gateway/stages/event_relay.hpp"

namespace penstock::gateway {

void event_relay::feed(std::string_view piece, usage& used, std::vector<std::string_view>& out) {
    std::size_t from = 0;  // of the run that goes out as one view
    std::size_t at = 0;
    lends_ = false;
    const auto flush_until = [&](std::size_t to) {
        if (to > from) out.push_back(piece.substr(from, to - from));
    };
    while (at < piece.size()) {
        const std::size_t size = scanner_.find_end(piece.substr(at));
        if (size == std::string_view::npos) break;
        const std::string_view tail = piece.substr(at, size);
        const bool was_split = !incomplete_.empty() || oversized_;
        bool show = true;
        if (!was_split) {
            show = take_event(tail, used);
        } else if (oversized_) {
            oversized_ = false;
            ++num_events_;
        } else {
            incomplete_.append(tail);
            show = take_event(incomplete_, used) || released_;
            if (show && !released_) {
                releasing_.assign(incomplete_, 0, incomplete_.size() - tail.size());
                out.push_back(releasing_);
                lends_ = true;
            }
            incomplete_.clear();
            released_ = false;
        }
        if (!show) {
            flush_until(at);
            from = at + size;
        }
        at += size;
    }
    const std::string_view rest = piece.substr(at);
    if (rest.empty()) return flush_until(at);
    const bool was_shown = oversized_ || released_;
    if (was_shown || !hide_usage_) {
        flush_until(piece.size());
        if (!oversized_) keep_incomplete(rest, out);
        return;
    }
    flush_until(at);
    keep_incomplete(rest, out);
}

bool event_relay::take_event(std::string_view event, usage& used) {
    using kind = openai::event_facts::kind;
    const auto facts = openai::read_event(spoken_, event, used);
    if (facts.what != kind::comment) ++num_events_;
    if (facts.what == kind::content) ++num_content_;
    if (facts.what == kind::error) saw_error_ = true;
    if (facts.what == kind::done) saw_end_ = true;
    return facts.what != kind::usage_only || !hide_usage_;
}

// The bytes of an event without its end. They are shown here only when they were held until now.
void event_relay::keep_incomplete(std::string_view rest, std::vector<std::string_view>& out) {
    if (!hide_usage_) released_ = true;
    const bool began_here = incomplete_.empty();
    incomplete_.append(rest);
    const bool too_large = incomplete_.size() > event_bytes_max_;
    if (!released_ && (too_large || openai::cannot_be_usage_only(incomplete_))) {
        // What an event that ended in this piece has lent stays lent.
        lends_ = lends_ || !began_here;
        if (!began_here) releasing_ = incomplete_;
        out.push_back(began_here ? rest : std::string_view(releasing_));
        released_ = true;
    }
    if (too_large) {
        oversized_ = true;
        released_ = false;
        incomplete_.clear();
    }
}

void event_relay::finish(std::vector<std::string_view>& out) {
    if (!incomplete_.empty() && !released_) {
        releasing_ = std::move(incomplete_);
        out.push_back(releasing_);
    }
    incomplete_.clear();
}

}  // namespace penstock::gateway
