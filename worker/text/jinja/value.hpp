// What a template computes with. Values are handles, cheap to copy; what they point to lives in the
// arena of one rendering (or of the parsed template) and is freed with it.
#pragma once

#include "worker/text/jinja/text.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::worker::jinja {

// Wide enough for every integer of a JSON document; beyond it a template fails.
__extension__ typedef __int128 integer;

enum class kind : std::uint8_t {
    absent,  // an argument that was not given
    undefined,
    none,
    boolean,
    integer,
    real,
    string,
    list,
    tuple,
    range,
    view,  // of a dictionary: its keys, values or items
    dict,
    generator,  // what map, select and their like give: read once
    name_space,
    loop,
    macro,
    bound,    // a method with its object
    builtin,  // a global function
};

struct list;
struct dict;
struct generator;
struct name_space;
struct loop_state;
struct macro;
struct bound_method;
struct callable_row;

class value {
 public:
    value() noexcept : kind_(kind::absent), integer_(0) {}
    static value none() noexcept { return value(kind::none); }
    // `of`: the type of the object without such an attribute; absent: a variable's name. `name`
    // outlives the value.
    static value undefined(kind of, const std::string* name) noexcept {
        value out(kind::undefined);
        out.of_ = of;
        out.name_ = name;
        return out;
    }
    explicit value(bool b) noexcept : kind_(kind::boolean), integer_(b ? 1 : 0) {}
    explicit value(integer i) noexcept : kind_(kind::integer), integer_(i) {}
    explicit value(double d) noexcept : kind_(kind::real), real_(d) {}
    explicit value(const text* s) noexcept : kind_(kind::string), text_(s) {}
    value(kind what, const list* items) noexcept : kind_(what), list_(items) {}
    explicit value(const dict* d) noexcept : kind_(kind::dict), dict_(d) {}
    explicit value(generator* g) noexcept : kind_(kind::generator), generator_(g) {}
    explicit value(name_space* n) noexcept : kind_(kind::name_space), name_space_(n) {}
    explicit value(loop_state* l) noexcept : kind_(kind::loop), loop_(l) {}
    explicit value(const macro* m) noexcept : kind_(kind::macro), macro_(m) {}
    explicit value(const bound_method* b) noexcept : kind_(kind::bound), bound_(b) {}
    explicit value(const callable_row* row) noexcept : kind_(kind::builtin), row_(row) {}

    kind what() const noexcept { return kind_; }
    bool is(kind k) const noexcept { return kind_ == k; }
    bool is_given() const noexcept { return kind_ != kind::absent; }
    bool is_undefined() const noexcept { return kind_ == kind::undefined; }
    bool is_none() const noexcept { return kind_ == kind::none; }
    bool is_string() const noexcept { return kind_ == kind::string; }
    bool is_number() const noexcept { return is_whole() || kind_ == kind::real; }
    // True and False are the integers 1 and 0.
    bool is_whole() const noexcept { return kind_ == kind::integer || kind_ == kind::boolean; }
    // Lists, tuples, ranges and views: items in order.
    bool has_items() const noexcept { return kind_ >= kind::list && kind_ <= kind::view; }

    bool boolean() const noexcept { return integer_ != 0; }
    integer whole() const noexcept { return integer_; }
    double real() const noexcept {
        return kind_ == kind::real ? real_ : static_cast<double>(integer_);
    }
    const text& str() const noexcept { return *text_; }
    std::string_view bytes() const noexcept { return text_->bytes; }
    inline const std::vector<value>& items() const noexcept;
    const list* as_list() const noexcept { return list_; }
    const dict& as_dict() const noexcept { return *dict_; }
    generator& as_generator() const noexcept { return *generator_; }
    name_space& as_name_space() const noexcept { return *name_space_; }
    loop_state& as_loop() const noexcept { return *loop_; }
    const macro& as_macro() const noexcept { return *macro_; }
    const bound_method& as_bound() const noexcept { return *bound_; }
    const callable_row& row() const noexcept { return *row_; }
    kind missing_of() const noexcept { return of_; }
    const std::string& missing_name() const noexcept { return *name_; }
    const void* identity() const noexcept { return text_; }

 private:
    explicit value(kind what) noexcept : kind_(what), integer_(0) {}

    kind kind_;
    kind of_ = kind::absent;
    union {
        integer integer_;
        double real_;
        const text* text_;
        const list* list_;
        const dict* dict_;
        generator* generator_;
        name_space* name_space_;
        loop_state* loop_;
        const macro* macro_;
        const bound_method* bound_;
        const callable_row* row_;
        const std::string* name_;
    };
};

// How deep lists and dictionaries lie in one another, and how many values one holds in all, those
// counted twice that it holds twice. What walks through a value costs as much.
struct extent {
    std::uint32_t depth = 1;
    std::uint64_t weight = 1;

    void take_in(const value& member) noexcept;
};

struct list {
    std::vector<value> items;
    extent size;
    // A view's type and a range's text, as they print; empty for others.
    std::string prints_as;
};

struct dict {
    std::vector<std::pair<value, value>> entries;  // in the order of insertion; no key twice
    extent size;

    // The entry of a key, or nullptr.
    const value* find(std::string_view key) const noexcept;
    const value* find(const value& key) const noexcept;
    void set(const value& key, const value& to);
};

struct generator {
    const list* all = nullptr;
    std::size_t at = 0;
};

struct name_space {
    std::vector<std::pair<std::string, value>> members;

    const value* find(std::string_view name) const noexcept;
};

struct bound_method {
    value self;
    const callable_row* row = nullptr;
};

inline const std::vector<value>& value::items() const noexcept {
    return list_->items;
}

bool is_true(const value& v) noexcept;
// Python's ==. Its depth is bounded by the depth of lists and dictionaries.
bool equal(const value& a, const value& b) noexcept;
extent extent_of(const value& v) noexcept;

// "str object", "None", as Jinja's messages name them; and Python's name of a type, "str".
std::string_view object_name(kind k) noexcept;
std::string_view type_name(kind k) noexcept;

// The size of what len() counts, or -1.
std::ptrdiff_t length_of(const value& v) noexcept;

}  // namespace penstock::worker::jinja
