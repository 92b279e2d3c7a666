// Tokens of one answer to text, as they come: bytes in, whole UTF-8 characters out.
#pragma once

#include <string>
#include <string_view>

namespace penstock::worker {

class detokenizer {
 public:
    // Appends the bytes of the next token and moves what is complete to the end of `out`. At most 3
    // bytes are held back; bytes that can never become a character turn into U+FFFD.
    void push(std::string_view bytes, std::string& out);
    // The answer has ended: what is held back turns into U+FFFD.
    void finish(std::string& out);

 private:
    char held_[4] = {};
    unsigned num_held_ = 0;
};

}  // namespace penstock::worker
