// Stands in for penstock-worker: the same command line, the same signs of life, and answers that
// tell its process. What else it does stands in the file `script` of its model folder, one
// "NAME VALUE" a line:
//     say TEXT            writes a line, before it is ready
//     say_long BYTES      the same, of so many x
//     die STATUS          ends at once, before it is ready
//     ready_after MS      listens, and says so, so much later
//     think MS            before an answer that is not streamed
//     pause MS            between two words of a stream
//     words COUNT         of a stream, after the first, which is its pid
//     ignore_term 1       SIGTERM does nothing
// Every start is written into the file `starts` of the folder: pid and command line.
#include "support/eventually.hpp"
#include "support/scripted_upstream.hpp"

#include <fstream>
#include <iostream>
#include <map>
#include <signal.h>
#include <sstream>
#include <string>
#include <thread>
#include <unistd.h>

namespace {

using namespace penstock::test;

using options = std::map<std::string, std::string>;

options read_options(int argc, char** argv) {
    options given;
    for (int i = 1; i + 1 < argc; i += 2)
        given[argv[i]] = argv[i + 1];
    return given;
}

options read_script(const std::string& folder) {
    options script;
    std::ifstream in(folder + "/script");
    for (std::string line; std::getline(in, line);) {
        const auto space = line.find(' ');
        if (space != std::string::npos) script[line.substr(0, space)] = line.substr(space + 1);
    }
    return script;
}

long number(const options& script, const std::string& name, long otherwise) {
    const auto found = script.find(name);
    return found == script.end() ? otherwise : std::stol(found->second);
}

void note_start(const std::string& folder, int argc, char** argv) {
    std::ostringstream line;
    line << ::getpid();
    for (int i = 1; i < argc; ++i)
        line << ' ' << argv[i];
    std::ofstream(folder + "/starts", std::ios::app) << line.str() + '\n';
}

// Ends the process when the gateway is gone.
void hold_on_to(int lifeline) {
    std::thread([lifeline] {
        char byte = 0;
        while (::read(lifeline, &byte, 1) > 0) {
        }
        ::_exit(0);
    }).detach();
}

answer answer_to(const recorded& request, const options& script) {
    const std::string pid = std::to_string(::getpid());
    if (request.body.find("\"stream\":true") == std::string::npos &&
        request.body.find("\"stream\": true") == std::string::npos) {
        answer whole = chat(pid);
        whole.before_head = milliseconds(number(script, "think", 0));
        return whole;
    }
    std::vector<std::string> words{pid};
    for (long i = number(script, "words", 3); i > 0; --i)
        words.emplace_back("word");
    answer stream = chat_stream(std::move(words));
    stream.before_piece = milliseconds(number(script, "pause", 0));
    return stream;
}

}  // namespace

int main(int argc, char** argv) {
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &term, nullptr);

    const options given = read_options(argc, argv);
    const std::string folder = given.at("--model");
    const options script = read_script(folder);
    note_start(folder, argc, argv);
    hold_on_to(std::stoi(given.at("--lifeline")));
    if (script.contains("say")) std::cerr << script.at("say") << std::endl;
    if (script.contains("say_long"))
        std::cerr << std::string(std::stoul(script.at("say_long")), 'x') << std::endl;
    if (script.contains("die")) return std::stoi(script.at("die"));
    pace(milliseconds(number(script, "ready_after", 0)));

    const std::string socket = given.at("--listen").substr(std::string("unix:").size());
    const scripted_upstream serving(socket, [&](const recorded& request) {
        return answer_to(request, script);
    });
    std::cout << "ready " << given.at("--listen") << std::endl;
    int signal = 0;
    do {
        sigwait(&term, &signal);
    } while (script.contains("ignore_term"));
    ::_exit(0);
}
