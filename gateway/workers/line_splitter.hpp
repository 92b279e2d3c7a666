// A worker's output in lines, however it was written and however long they are.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace penstock::gateway {

// Holds at most `longest` bytes: what is longer comes in pieces of that size. A carriage return
// before the line's end is dropped, and so are empty lines.
class line_splitter {
 public:
    using take_line = std::function<void(std::string_view line)>;

    explicit line_splitter(std::size_t longest) : longest_(longest) {}
    void feed(std::string_view bytes, const take_line& take);
    // What had no end of its own.
    void finish(const take_line& take);

 private:
    void give(const take_line& take);
    std::size_t longest_;
    std::string held_;
};

}  // namespace penstock::gateway
