// What a channel is made of. Counted by reference, because Asio's pending operations outlive the
// channel that started them.
#pragma once

#include "penstock/io/channel.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <utility>

namespace penstock::io {

struct channel::state final : timed {
    using socket_type = boost::asio::basic_stream_socket<
        boost::asio::generic::stream_protocol,
        boost::asio::io_context::executor_type>;

    state(loop& home, int descriptor, int family);

    // One reference by the channel, one by each pending operation.
    struct reference {
        state* self;
        explicit reference(state* s) noexcept : self(s) { ++self->references; }
        reference(const reference& other) noexcept : reference(other.self) {}
        reference(reference&& other) noexcept : self(std::exchange(other.self, nullptr)) {}
        reference& operator=(const reference&) = delete;
        ~reference() {
            if (self) self->release();
        }
    };
    void release() noexcept {
        if (--references == 0) delete this;
    }

    int fd() { return socket.native_handle(); }

    void start_read();
    void on_readable(boost::system::error_code failed);
    bool fetch() noexcept;
    void keep_some();
    void note_end(ssize_t size) noexcept;
    void start_write_wait();
    void on_time() noexcept override;
    void end_reading(errc why) noexcept;
    void tell_departure() noexcept;
    void tell_departure_if_ended() noexcept;
    void tell_departure_later();
    void close_socket() noexcept;

    // What a read gives now, if anything.
    bool can_read() noexcept;
    result<std::string_view> take() noexcept;
    std::string_view take_raw() noexcept;
    bool decrypt() noexcept;

    result<std::size_t> write_pieces(std::span<const std::string_view> pieces) noexcept;
    result<std::size_t> encrypt_pieces(std::span<const std::string_view> pieces) noexcept;
    // True when no ciphertext waits any more.
    result<bool> flush_ciphertext() noexcept;
    bool has_raw() const noexcept { return !kept.empty() || !fetched.empty(); }
    // The connection ended, but the TLS session in it did not: what came may not be the whole.
    bool was_truncated() const noexcept {
        return read_end == errc::end_of_stream && tls && !tls->has_ended();
    }
    bool ciphertext_waits() const noexcept { return tls && !tls->pending().empty(); }

    static constexpr std::size_t kept_max = 64 * 1024, kept_at_once = 4096;

    loop& home;
    socket_type socket;
    std::unique_ptr<tls_session> tls;
    std::coroutine_handle<> reader, writer;
    departure_watcher* watcher = nullptr;
    std::string stash;         // given back by `unread`
    std::string kept;          // came while nobody read; raw
    std::string_view fetched;  // raw, in the scratch, for the reader that is resumed next
    std::string_view plain;    // decrypted, in the scratch, for the reader that is resumed next
    std::uint32_t references = 1;
    errc read_end = errc::count_;  // why there is nothing more to read; count_: there may be
    bool read_pending = false;
    bool write_wait_pending = false;
    bool reader_timed_out = false, writer_timed_out = false;
    bool stash_taken = false;
    bool closed = false;
    bool readable = false;  // there may be more than was taken
};

}  // namespace penstock::io
