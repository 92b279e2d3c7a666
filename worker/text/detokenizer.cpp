// Tokens of one answer to text: bytes wait until their character is whole.
//
// Nothing is decoded twice, so an answer full of real U+FFFD costs no more than any other, and no
// byte of the prompt ever comes along: a detokenizer sees the answer's bytes only.
#include "worker/text/detokenizer.hpp"

#include "worker/text/utf8.hpp"

#include <cstring>

namespace penstock::worker {

void detokenizer::push(std::string_view bytes, std::string& out) {
    // First the held character: its bytes and as many more as it may need.
    while (num_held_ > 0 && !bytes.empty()) {
        held_[num_held_++] = bytes.front();
        bytes.remove_prefix(1);
        const utf8_step step = utf8_at({held_, num_held_});
        if (step.what == utf8_step::kind::cut) continue;
        if (step.what == utf8_step::kind::whole) {
            out.append(held_, step.length);
        } else {
            out.append(replacement_character);
        }
        // What followed a broken beginning is read anew; it is at most the one byte just added.
        num_held_ -= step.length;
        if (num_held_ == 0) continue;
        const char last = held_[step.length];
        num_held_ = 0;
        push({&last, 1}, out);
    }
    while (!bytes.empty()) {
        const std::size_t valid = valid_utf8_prefix(bytes);
        out.append(bytes.substr(0, valid));
        bytes.remove_prefix(valid);
        if (bytes.empty()) return;
        const utf8_step step = utf8_at(bytes);
        if (step.what == utf8_step::kind::cut) {
            std::memcpy(held_, bytes.data(), bytes.size());
            num_held_ = static_cast<unsigned>(bytes.size());
            return;
        }
        out.append(replacement_character);
        bytes.remove_prefix(step.length);
    }
}

void detokenizer::finish(std::string& out) {
    if (num_held_ > 0) out.append(replacement_character);
    num_held_ = 0;
}

}  // namespace penstock::worker
