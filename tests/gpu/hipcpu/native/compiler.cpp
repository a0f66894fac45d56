// The runtime compiler: HIP's interface to it in front, g++ behind.
//
// A kernel's source becomes ordinary C++ by three means: a header that defines the device language (`include/hipcpu`),
// a rewriting of `extern __shared__` arrays, and for each kernel a C function that unpacks a launch's arguments.
// What g++ makes is kept in a folder under a hash of everything that went in. A file gets its name only when it is
// complete, so any number of processes can share the folder.

#include "compiler.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <vector>

#include "common.h"

extern char **environ;

using namespace hipcpu;

static std::vector<std::string> compiler;  // command and flags
static std::string build_key;              // sixteen characters: which build of the runtime this is
static std::string kernels, sources;       // folders

HIPCPU_API void hipcpu_configure_compiler(const char *command, const char *key, const char *kernel_folder,
                                          const char *source_folder) {
  compiler.clear();
  std::istringstream words(command);  // one a line
  for (std::string word; std::getline(words, word);) compiler.push_back(word);
  build_key = key;
  kernels = kernel_folder;
  sources = source_folder;
}

// -- files -----------------------------------------------------------------------------------------------------------

static bool exists(const std::string &path) { return access(path.c_str(), F_OK) == 0; }

static std::string contents(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// A file that appears whole or not at all.
static void write_whole(const std::string &path, const char *data, size_t size) {
  std::string partial = path + "." + std::to_string(getpid());
  std::ofstream file(partial, std::ios::binary);
  file.write(data, size);
  file.close();
  if (file.good()) rename(partial.c_str(), path.c_str());
  else unlink(partial.c_str());
}

// 128 bits of FNV-1a, as 32 hexadecimal digits.
static std::string hash(const std::string &text) {
  unsigned __int128 value = (unsigned __int128)0x6c62272e07bb0142ull << 64 | 0x62b821756295c58dull;
  const unsigned __int128 prime = (unsigned __int128)0x1000000ull << 64 | 0x13bull;
  for (unsigned char byte : text) value = (value ^ byte) * prime;
  char digits[33];
  snprintf(digits, sizeof digits, "%016llx%016llx", (unsigned long long)(value >> 64), (unsigned long long)value);
  return digits;
}

// -- images ----------------------------------------------------------------------------------------------------------

struct ImageHeader {
  char magic[8];
  char build[16];
  uint64_t source_size, library_size;
};

static const char magic[8] = {'h', 'i', 'p', 'c', 'p', 'u', ' ', '1'};

static std::string make_image(const std::string &source, const std::string &library) {
  ImageHeader header = {};
  memcpy(header.magic, magic, sizeof magic);
  memcpy(header.build, build_key.data(), std::min(build_key.size(), sizeof header.build));
  header.source_size = source.size();
  header.library_size = library.size();
  return std::string(reinterpret_cast<char *>(&header), sizeof header) + source + library;
}

bool hipcpu::read_image(const void *data, Image *image) {
  ImageHeader header;
  memcpy(&header, data, sizeof header);
  if (memcmp(header.magic, magic, sizeof magic) || build_key.compare(0, 16, header.build, sizeof header.build)) {
    return false;
  }
  auto *rest = static_cast<const char *>(data) + sizeof header;
  *image = {rest, header.source_size, rest + header.source_size, header.library_size};
  return true;
}

std::string hipcpu::write_library(const Image &image) {
  std::string path = kernels + "/loading-XXXXXX";
  int file = mkstemp(path.data());
  if (file < 0) return "";
  bool written = write(file, image.library, image.library_size) == ssize_t(image.library_size);
  close(file);
  if (!written) unlink(path.c_str());
  return written ? path : "";
}

void hipcpu::save_source(const Image &image) {
  std::string path = sources + "/" + hash(std::string(image.source, image.source_size)) + ".cu";
  if (!exists(path)) write_whole(path, image.source, image.source_size);
}

// -- from a kernel to C++ --------------------------------------------------------------------------------------------

struct Program {
  std::string source, log, code;
  std::vector<std::string> expressions;             // that name instances of templates
  std::map<std::string, std::string> lowered_names;  // of those
};

static std::string with_dynamic_shared_memory(const std::string &source) {
  static const std::regex declaration(R"(extern\s+__shared__\s+([^;\[\]]+?)\s+(\w+)\s*\[\s*\]\s*;)");
  static const std::regex alignment(R"(__align(?:as|)__\s*\([^)]*\)|alignas\s*\([^)]*\))");
  std::string out;
  auto rest = source.begin();
  for (std::sregex_iterator found(source.begin(), source.end(), declaration), end; found != end; ++found) {
    std::string type = std::regex_replace((*found)[1].str(), alignment, "");
    out.append(rest, source.begin() + found->position());
    out += type + " *" + (*found)[2].str() + " = (" + type + " *)hipcpu_dynamic_shared;";
    rest = source.begin() + found->position() + found->length();
  }
  return out.append(rest, source.end());
}

static bool is_template(const std::string &before_kernel) {
  static const std::regex head(R"(template\s*<[^;{}]*>\s*$)");
  size_t from = before_kernel.size() > 400 ? before_kernel.size() - 400 : 0;
  return std::regex_search(before_kernel.substr(from), head);
}

static std::set<std::string> names_of_kernels(const std::string &source) {
  static const std::regex kernel(R"(__global__\s+void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?([A-Za-z_]\w*)\s*\()");
  std::set<std::string> names;
  for (std::sregex_iterator found(source.begin(), source.end(), kernel), end; found != end; ++found) {
    if (!is_template(source.substr(0, found->position()))) names.insert((*found)[1]);
  }
  return names;
}

static std::string entry_point(const std::string &name, const std::string &kernel) {
  return "extern \"C\" void hipcpu_entry_" + name + "(void **arguments) { hipcpu_call(&" + kernel + ", arguments); }\n";
}

static std::string translated(Program *program) {
  static const std::regex barrier("__sync(threads|warp)|__shfl|__(any|all|ballot)");
  std::string text = "#include <hipcpu/kernel.h>\n#line 1 \"kernel\"\n";
  text += with_dynamic_shared_memory(program->source) + "\n";
  if (std::regex_search(program->source, barrier)) text += "extern \"C\" { int hipcpu_has_barriers = 1; }\n";
  for (const std::string &name : names_of_kernels(program->source)) text += entry_point(name, name);
  for (const std::string &expression : program->expressions) {
    std::string name = "expression_" + std::to_string(program->lowered_names.size());
    text += entry_point(name, expression);
    program->lowered_names[expression] = name;
  }
  return text;
}

// -- compiling -------------------------------------------------------------------------------------------------------

// Runs a command and waits for it; what it prints goes to a file.
static int run(const std::vector<std::string> &command, const std::string &output) {
  std::vector<char *> words;
  for (const std::string &word : command) words.push_back(const_cast<char *>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t child;
  int status = posix_spawnp(&child, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (status) return status;
  waitpid(child, &status, 0);
  return status;
}

// Compiles to `library`, and returns what the compiler said if it failed.
static std::string compile(const std::string &text, std::vector<std::string> command, const std::string &library) {
  std::string folder = kernels + "/compiling-XXXXXX";
  if (!mkdtemp(folder.data())) return "no place for files in " + kernels;
  std::string source = folder + "/kernel.cpp", output = folder + "/output", made = folder + "/kernel.so";
  std::ofstream(source) << text;
  command.insert(command.end(), {source, "-o", made});
  std::string complaint;
  if (run(command, output)) complaint = contents(output) + "\n(" + command[0] + " failed)";
  else rename(made.c_str(), library.c_str());
  for (const std::string &file : {source, output, made}) unlink(file.c_str());
  rmdir(folder.c_str());
  return complaint;
}

// The options as a comment over the source, for NVRTC to read.
static std::string annotated(const Program &program, int count, const char **options) {
  std::string text;
  for (int i = 0; i < count; i++) text += std::string("// option: ") + options[i] + "\n";
  for (const std::string &expression : program.expressions) text += "// instance: " + expression + "\n";
  return text + program.source;
}

enum CompilerError : int { compiled = 0, does_not_compile = 6 };  // hiprtcResult

HIPCPU_API int hiprtcCompileProgram(Program *program, int count, const char **options) {
  Locked locked(device_lock);
  std::string text = translated(program), everything;
  std::vector<std::string> command = compiler;
  for (int i = 0; i < count; i++) {
    if (!strncmp(options[i], "-I", 2) || !strncmp(options[i], "-D", 2)) command.push_back(options[i]);
  }
  for (const std::string &word : command) everything += word + '\n';
  std::string library = kernels + "/" + hash(everything + text) + ".so";
  if (!exists(library)) {
    counters.compilations++;
    program->log = compile(text, command, library);
    if (!program->log.empty()) return does_not_compile;
  }
  program->code = make_image(annotated(*program, count, options), contents(library));
  return compiled;
}

// -- the rest of the interface ---------------------------------------------------------------------------------------

HIPCPU_API int hiprtcVersion(int *major, int *minor) { *major = 7; *minor = 0; return 0; }

HIPCPU_API const char *hiprtcGetErrorString(int error) {
  return error == does_not_compile ? "HIPRTC_ERROR_COMPILATION" : error ? "HIPRTC_ERROR" : "HIPRTC_SUCCESS";
}

HIPCPU_API int hiprtcCreateProgram(Program **program, const char *source, const char *, int, const char **,
                                   const char **) {
  *program = new Program{source, {}, {}, {}, {}};
  return 0;
}

HIPCPU_API int hiprtcDestroyProgram(Program **program) {
  delete *program;
  *program = nullptr;
  return 0;
}

HIPCPU_API int hiprtcAddNameExpression(Program *program, const char *expression) {
  program->expressions.push_back(expression);
  return 0;
}

HIPCPU_API int hiprtcGetLoweredName(Program *program, const char *expression, const char **name) {
  *name = program->lowered_names[expression].c_str();
  return 0;
}

HIPCPU_API int hiprtcGetProgramLogSize(Program *program, size_t *size) { *size = program->log.size() + 1; return 0; }
HIPCPU_API int hiprtcGetProgramLog(Program *program, char *log) { strcpy(log, program->log.c_str()); return 0; }
HIPCPU_API int hiprtcGetCodeSize(Program *program, size_t *size) { *size = program->code.size(); return 0; }

HIPCPU_API int hiprtcGetCode(Program *program, char *code) {
  memcpy(code, program->code.data(), program->code.size());
  return 0;
}
