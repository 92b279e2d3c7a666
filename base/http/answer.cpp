// Reading an upstream's answer.
#include "base/http/spare_bytes.hpp"
#include "penstock/http/client.hpp"

#include <utility>

namespace penstock::http {

answer::answer(io::channel& upstream, std::size_t head_bytes_max) noexcept
    : upstream_(upstream),
      head_bytes_max_(head_bytes_max),
      head_bytes_(spare_bytes::take()),
      early_(spare_bytes::take()) {}

answer::~answer() {
    spare_bytes::give(std::move(head_bytes_));
    spare_bytes::give(std::move(early_));
}

io::task<result<void>> answer::read_head(bool request_was_head) {
    std::string_view seen;  // lent by the channel; in `early_` when a head comes in pieces
    while (true) {
        std::size_t end = find_head_end(seen);
        while (end == std::string_view::npos) {
            if (seen.size() > head_bytes_max_)
                co_return error(errc::upstream_protocol, "answer head too large");
            if (early_.empty()) early_.assign(seen);
            CO_TRY(const std::string_view bytes, upstream_.read());
            if (bytes.empty())
                co_return error(begun_ ? errc::upstream_protocol : errc::end_of_stream);
            begun_ = true;
            const std::size_t searched = early_.size() > 3 ? early_.size() - 3 : 0;
            if (!early_.empty()) early_.append(bytes);
            seen = early_.empty() ? bytes : std::string_view(early_);
            end = find_head_end(seen, searched);
        }
        head_bytes_.assign(seen.substr(0, end));
        rest_ = seen.substr(end);
        auto parsed = parse_response_head(head_bytes_, head_, request_was_head);
        if (parsed.has_error()) co_return std::move(parsed).error();
        if (head_.status >= 200) break;
        if (head_.status == 101) co_return error(errc::upstream_protocol, "unasked-for upgrade");
        if (!early_.empty()) early_.erase(0, end);
        seen = early_.empty() ? rest_ : std::string_view(early_);
    }
    borrowed_ = early_.empty();
    reader_ = body_reader(head_.framing, head_.content_length);
    co_return success();
}

result<bool> answer::feed(result<std::string_view> bytes) {
    TRY(rest_, std::move(bytes));
    borrowed_ = true;
    if (!rest_.empty()) return true;
    if (reader_.may_end_by_close()) return false;
    return error(errc::upstream_broken, "the connection ended inside the body");
}

void answer::own_what_is_at_hand() {
    if (!std::exchange(borrowed_, false)) return;
    early_.assign(rest_);
    rest_ = early_;
}

bool answer::is_reusable() const noexcept {
    return reader_.is_done() && rest_.empty() && head_.keep_alive &&
           head_.framing != body_framing::until_close;
}

}  // namespace penstock::http
