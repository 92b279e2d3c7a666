// Builds the document from yaml-cpp's events: its own nodes keep one of two duplicate keys silently
// and lose the places of keys.
#include "gateway/settings/document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <sstream>
#include <unordered_map>

namespace penstock::settings {

namespace {

// What aliases may add in all: a few lines of them can stand for billions of nodes.
constexpr std::size_t num_alias_nodes_max = 100'000;

position place(const YAML::Mark& mark) {
    return mark.is_null() ? position{} : position{mark.line + 1, mark.column + 1};
}

std::size_t count(const node& from) {
    std::size_t total = 1;
    for (const node& each : from.items)
        total += count(each);
    for (const node::entry& each : from.entries)
        total += count(each.value);
    return total;
}

class builder : public YAML::EventHandler {
 public:
    explicit builder(findings& out) : out_(out) {}

    node take() { return std::move(root_); }
    position start() const { return start_; }

    void OnDocumentStart(const YAML::Mark& mark) override { start_ = place(mark); }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        node made;
        made.at = place(mark);
        finish(std::move(made), anchor);
    }

    void OnScalar(
        const YAML::Mark& mark,
        const std::string& tag,
        YAML::anchor_t anchor,
        const std::string& text
    ) override {
        refuse_tag(mark, tag);
        node made;
        made.is = node::kind::scalar;
        made.at = place(mark);
        made.text = text;
        finish(std::move(made), anchor);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        node made;
        made.at = place(mark);
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end()) {
            out_.misread(place(mark), "", "an alias cannot stand inside what it names");
        } else {
            aliased_ += count(found->second);
            if (aliased_ > num_alias_nodes_max)
                throw YAML::ParserException(mark, "the aliases stand for too much text");
            made = found->second;
        }
        deliver(std::move(made));
    }

    void OnSequenceStart(
        const YAML::Mark& mark,
        const std::string& tag,
        YAML::anchor_t anchor,
        YAML::EmitterStyle::value
    ) override {
        open(node::kind::list, mark, tag, anchor);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(
        const YAML::Mark& mark,
        const std::string& tag,
        YAML::anchor_t anchor,
        YAML::EmitterStyle::value
    ) override {
        open(node::kind::map, mark, tag, anchor);
    }
    void OnMapEnd() override { close(); }

 private:
    struct key {
        std::string text;
        position at;
        bool usable;
    };
    struct frame {
        node made;
        YAML::anchor_t anchor;
        std::optional<key> pending;
        std::unordered_map<std::string, int> lines;  // of the keys so far
    };

    void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
        if (!tag.empty() && tag != "?" && tag != "!")
            out_.misread(place(mark), "", "tags such as `!name` mean nothing here");
    }

    void open(
        node::kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor
    ) {
        refuse_tag(mark, tag);
        frame made;
        made.made.is = kind;
        made.made.at = place(mark);
        made.anchor = anchor;
        frames_.push_back(std::move(made));
    }

    void close() {
        frame done = std::move(frames_.back());
        frames_.pop_back();
        finish(std::move(done.made), done.anchor);
    }

    void finish(node made, YAML::anchor_t anchor) {
        if (anchor != 0) anchors_[anchor] = made;
        deliver(std::move(made));
    }

    void deliver(node made) {
        if (frames_.empty()) {
            root_ = std::move(made);
            return;
        }
        frame& top = frames_.back();
        if (top.made.is == node::kind::list)
            top.made.items.push_back(std::move(made));
        else if (!top.pending)
            top.pending = name(top, made);
        else {
            if (top.pending->usable)
                top.made.entries.push_back(
                    {std::move(top.pending->text), top.pending->at, std::move(made)}
                );
            top.pending.reset();
        }
    }

    key name(frame& top, node& made) {
        if (made.is != node::kind::scalar) {
            out_.misread(made.at, "", "the name of a setting must be text");
            return {"", made.at, false};
        }
        const auto [first, fresh] = top.lines.emplace(made.text, made.at.line);
        if (!fresh)
            out_.misread(
                made.at,
                "",
                "`" + made.text + "` is written twice; first on line " +
                    std::to_string(first->second)
            );
        return {std::move(made.text), made.at, fresh};
    }

    findings& out_;
    node root_;
    position start_;
    std::vector<frame> frames_;
    std::map<YAML::anchor_t, node> anchors_;
    std::size_t aliased_ = 0;
};

}  // namespace

std::optional<node> parse_document(std::string_view yaml, findings& out) {
    try {
        std::istringstream stream{std::string(yaml)};
        YAML::Parser parser(stream);
        builder first(out);
        parser.HandleNextDocument(first);
        builder second(out);
        if (parser.HandleNextDocument(second))
            out.misread(second.start(), "", "only one document may stand in the file");
        return first.take();
    } catch (const YAML::Exception& e) {
        out.misread(place(e.mark), "", "not YAML: " + e.msg);
    } catch (const std::exception& e) {
        out.misread({}, "", std::string("not YAML: ") + e.what());
    }
    return std::nullopt;
}

}  // namespace penstock::settings
