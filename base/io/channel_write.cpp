// The channel's sending half: what the kernel takes now, and the wait for the rest.
#include "base/io/channel_state.hpp"
#include "base/io/errors.hpp"
#include "base/io/write_awaiter.hpp"
#include "penstock/io/channel.hpp"

#include <array>
#include <cerrno>
#include <sys/uio.h>

namespace penstock::io {

result<std::size_t> channel::state::write_pieces(std::span<const std::string_view> pieces
) noexcept {
    std::array<iovec, 64> parts;
    std::size_t count = 0;
    for (const auto piece : pieces) {
        if (piece.empty()) continue;
        if (count == parts.size()) break;
        parts[count++] = {const_cast<char*>(piece.data()), piece.size()};
    }
    if (count == 0) return std::size_t{0};
    constexpr int how = MSG_NOSIGNAL | MSG_DONTWAIT;
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const ssize_t sent = count == 1 ? ::send(fd(), parts[0].iov_base, parts[0].iov_len, how)
                                    : ::sendmsg(fd(), &message, how);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return std::size_t{0};
    return error(code_of(boost::system::error_code(errno, boost::system::system_category())));
}

result<bool> channel::state::flush_ciphertext() noexcept {
    while (ciphertext_waits()) {
        const std::string_view waiting = tls->pending();
        TRY(const std::size_t sent, write_pieces({&waiting, 1}));
        if (sent == 0) return false;
        tls->sent(sent);
    }
    return true;
}

result<std::size_t> channel::state::encrypt_pieces(std::span<const std::string_view> pieces
) noexcept {
    constexpr std::size_t at_once = 64 * 1024;
    TRY(const bool clear, flush_ciphertext());
    if (!clear) {
        start_write_wait();
        return std::size_t{0};
    }
    // Pieces share records: a chunk's size is not worth one of its own.
    std::array<char, 16 * 1024> record;
    std::size_t taken = 0, filled = 0;
    for (auto piece : pieces) {
        piece = piece.substr(0, at_once - taken);
        taken += piece.size();
        while (!piece.empty()) {
            const std::size_t size = piece.copy(record.data() + filled, record.size() - filled);
            piece.remove_prefix(size);
            filled += size;
            if (filled < record.size()) break;
            CHECK(tls->write({record.data(), std::exchange(filled, 0)}));
        }
        if (taken == at_once) break;
    }
    CHECK(tls->write({record.data(), filled}));
    TRY(const bool all_sent, flush_ciphertext());
    if (!all_sent) start_write_wait();
    return taken;
}

result<std::size_t> channel::send_now(std::span<const std::string_view> pieces) noexcept {
    if (!state_ || state_->closed) return error(errc::canceled);
    return state_->tls ? state_->encrypt_pieces(pieces) : state_->write_pieces(pieces);
}

void channel::state::start_write_wait() {
    if (write_wait_pending || closed) return;
    write_wait_pending = true;
    socket.async_wait(
        boost::asio::socket_base::wait_write,
        [self = reference(this)](boost::system::error_code) {
            auto& s = *self.self;
            s.write_wait_pending = false;
            if (s.writer) return std::exchange(s.writer, nullptr).resume();
            if (s.closed || !s.ciphertext_waits()) return;
            if (auto flushed = s.flush_ciphertext(); flushed && !flushed.value())
                s.start_write_wait();
        }
    );
}

namespace {

// Takes `size` bytes off the front of `pieces`.
void drop_front(std::span<std::string_view>& pieces, std::size_t size) noexcept {
    while (!pieces.empty() && size >= pieces.front().size()) {
        size -= pieces.front().size();
        pieces = pieces.subspan(1);
    }
    if (!pieces.empty()) pieces.front().remove_prefix(size);
}

}  // namespace

task<result<void>> channel::send(std::span<const std::string_view> pieces) {
    std::vector<std::string_view> copy(pieces.begin(), pieces.end());
    std::span<std::string_view> left(copy);
    while (true) {
        auto sent = send_now(left);
        if (sent.has_error()) co_return std::move(sent).error();
        drop_front(left, sent.value());
        if (left.empty() && !state_->ciphertext_waits()) co_return success();
        write_awaiter writable{*state_};
        auto waited = co_await writable;
        if (waited.has_error()) co_return std::move(waited).error();
    }
}

task<result<void>> channel::send(std::string_view bytes) {
    const std::array<std::string_view, 1> pieces{bytes};
    auto sent = co_await send(std::span<const std::string_view>(pieces));
    co_return sent;
}

}  // namespace penstock::io
