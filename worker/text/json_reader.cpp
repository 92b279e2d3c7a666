// Reading JSON values strictly.
#include "worker/text/json_reader.hpp"

#include <algorithm>

namespace penstock::worker {

namespace json = boost::json;

error json_reader::refuse(std::string_view what) const {
    std::string text = "tokenizer.json: ";
    if (!path_.empty()) text.append(path_).append(": ");
    return {errc::invalid_value, text.append(what)};
}

json_reader json_reader::element(const json::value& of, std::size_t index) const {
    return {of, path_ + "[" + std::to_string(index) + "]"};
}

json_reader json_reader::named(const json::value& of, std::string_view name) const {
    return {of, path_.empty() ? std::string(name) : path_ + "." + std::string(name)};
}

result<const json::object*> json_reader::object() const {
    if (!value_->is_object()) return refuse("is not an object");
    return &value_->get_object();
}

result<const json::array*> json_reader::array() const {
    if (!value_->is_array()) return refuse("is not a list");
    return &value_->get_array();
}

result<void> json_reader::only_members(std::initializer_list<std::string_view> names) const {
    TRY(const json::object* const members, object());
    for (const auto& member : *members) {
        const std::string_view name(member.key().data(), member.key().size());
        if (std::find(names.begin(), names.end(), name) == names.end())
            return named(member.value(), name).refuse("is not known here");
    }
    return success();
}

result<std::optional<json_reader>> json_reader::optional_member(std::string_view name) const {
    TRY(const json::object* const members, object());
    const json::value* const found = members->if_contains({name.data(), name.size()});
    if (found == nullptr || found->is_null()) return std::optional<json_reader>();
    return std::optional<json_reader>(named(*found, name));
}

result<json_reader> json_reader::member(std::string_view name) const {
    TRY(std::optional<json_reader> found, optional_member(name));
    if (!found) return named(*value_, name).refuse("is missing");
    return *std::move(found);
}

result<std::string_view> json_reader::string() const {
    if (!value_->is_string()) return refuse("is not a string");
    const json::string& text = value_->get_string();
    return std::string_view(text.data(), text.size());
}

result<bool> json_reader::boolean() const {
    if (!value_->is_bool()) return refuse("is not true or false");
    return value_->get_bool();
}

result<std::int64_t> json_reader::integer() const {
    if (!value_->is_int64()) return refuse("is not a whole number");
    return value_->get_int64();
}

result<std::string_view> json_reader::string(std::string_view name) const {
    TRY(const json_reader found, member(name));
    return found.string();
}

result<bool> json_reader::boolean(std::string_view name) const {
    TRY(const json_reader found, member(name));
    return found.boolean();
}

result<bool> json_reader::boolean(std::string_view name, bool if_missing) const {
    TRY(const std::optional<json_reader> found, optional_member(name));
    if (!found) return if_missing;
    return found->boolean();
}

result<void> json_reader::expect(std::string_view name, std::string_view text) const {
    TRY(const json_reader found, member(name));
    TRY(const std::string_view value, found.string());
    if (value == text) return success();
    return found.refuse(
        "\"" + std::string(value) + "\" is not done here; only \"" + std::string(text) + "\" is"
    );
}

result<void> json_reader::expect_flag(std::string_view name, bool wanted) const {
    TRY(const json_reader found, member(name));
    TRY(const bool value, found.boolean());
    if (value == wanted) return success();
    return found.refuse(wanted ? "false is not done here" : "true is not done here");
}

}  // namespace penstock::worker
