// Reading an upstream's answer.
#include "penstock/http/client.hpp"

#include <utility>

namespace penstock::http {

io::task<result<void>> answer::read_head(bool request_was_head) {
    while (true) {
        std::size_t end = find_head_end(early_);
        while (end == std::string_view::npos) {
            if (early_.size() > head_bytes_max_)
                co_return error(errc::upstream_protocol, "answer head too large");
            CO_TRY(const std::string_view bytes, upstream_.read());
            if (bytes.empty())
                co_return error(begun_ ? errc::upstream_protocol : errc::end_of_stream);
            begun_ = true;
            const std::size_t searched = early_.size() > 3 ? early_.size() - 3 : 0;
            early_.append(bytes);
            end = find_head_end(early_, searched);
        }
        head_bytes_.assign(early_, 0, end);
        early_.erase(0, end);
        head_.clear();
        auto parsed = parse_response_head(head_bytes_, head_, request_was_head);
        if (parsed.has_error()) co_return std::move(parsed).error();
        if (head_.status >= 200) break;
        if (head_.status == 101) co_return error(errc::upstream_protocol, "unasked-for upgrade");
    }
    reader_ = body_reader(head_.framing, head_.content_length);
    rest_ = early_;
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
