// One response as it arrives: finds its end whether it is sized or chunked, hands out its payload.
#pragma once

#include "wire.hpp"

namespace penstock::bench {

class response {
 public:
    bool done() const { return state_ == state::done; }
    bool broken() const { return state_ == state::broken; }
    bool begun() const { return state_ != state::head || !partial_.empty(); }
    bool closes() const { return close_; }
    int status() const { return status_; }

    void restart() {
        state_ = state::head;
        partial_.clear();
        status_ = 0;
        close_ = false;
    }

    // `sink` gets each piece of payload in order. Bytes after the end make the response broken,
    // since the rig never asks for two at once.
    template <class Sink>
    void take(std::string_view bytes, Sink&& sink) {
        while (!bytes.empty() && !broken()) {
            switch (state_) {
                case state::head:
                    take_head(bytes);
                    break;
                case state::sized:
                case state::chunk:
                    take_payload(bytes, sink);
                    break;
                case state::chunk_size:
                    take_chunk_size(bytes);
                    break;
                case state::trailer:
                    take_trailer(bytes);
                    break;
                case state::done:
                case state::broken:
                    state_ = state::broken;
                    break;
            }
        }
    }

 private:
    enum class state { head, sized, chunk_size, chunk, trailer, done, broken };

    void take_head(std::string_view& bytes) {
        const auto known = partial_.size();
        if (known != 0) partial_ += bytes;
        const auto head = scan_head(known == 0 ? bytes : std::string_view(partial_));
        if (head.size == 0) {
            if (known == 0) partial_ = bytes;
            bytes = {};
            return;
        }
        status_ = static_cast<int>(
            to_number(head.first_line.substr(std::min<std::size_t>(9, head.first_line.size()), 3))
        );
        close_ = head.close;
        left_ = head.content_length;
        state_ = head.chunked ? state::chunk_size : left_ > 0 ? state::sized : state::done;
        if (!head.chunked && left_ < 0) state_ = state::broken;
        bytes.remove_prefix(head.size - known);
        partial_.clear();
    }

    template <class Sink>
    void take_payload(std::string_view& bytes, Sink& sink) {
        const auto piece = bytes.substr(0, static_cast<std::size_t>(left_));
        sink(piece);
        bytes.remove_prefix(piece.size());
        left_ -= static_cast<std::int64_t>(piece.size());
        if (left_ == 0) state_ = state_ == state::sized ? state::done : state::chunk_size;
    }

    // Also steps over the empty line that ends the chunk before.
    void take_chunk_size(std::string_view& bytes) {
        if (!take_line(bytes)) return;
        if (!partial_.empty()) {
            left_ = to_number(partial_, 16);
            state_ = left_ < 0 ? state::broken : left_ == 0 ? state::trailer : state::chunk;
        }
        partial_.clear();
    }

    void take_trailer(std::string_view& bytes) {
        if (!take_line(bytes)) return;
        if (partial_.empty()) state_ = state::done;
        partial_.clear();
    }

    // True once `partial_` is a whole line, without its end.
    bool take_line(std::string_view& bytes) {
        const auto end = bytes.find('\n');
        partial_ += bytes.substr(0, end);
        bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
        if (end == std::string_view::npos) return false;
        if (!partial_.empty() && partial_.back() == '\r') partial_.pop_back();
        return true;
    }

    state state_ = state::head;
    std::string partial_;
    std::int64_t left_ = 0;
    int status_ = 0;
    bool close_ = false;
};

}  // namespace penstock::bench
