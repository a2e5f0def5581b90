// `meanfield completion SHELL`: a script by which a shell completes commands, options, names of figures and files.

import { figureNames } from "../study/figures/registry";
import { abouts, type Command, letters, type OptionKind, options } from "./commands";
import { parseOptions } from "./options";
import { starters } from "./starters";
import { type Terminal, UsageError } from "./terminal";

const SHELLS = { bash, zsh, fish };

/**
 * Runs the command.
 *
 * @param args      after `completion`
 * @param terminal  streams
 */
export function completion(args: readonly string[], terminal: Terminal): void {
  const { words } = parseOptions(args, options.completion);
  const [shell] = words;
  if (words.length !== 1 || !Object.hasOwn(SHELLS, shell!)) {
    throw new UsageError(`Which shell? One of ${Object.keys(SHELLS).join(", ")}.`);
  }
  terminal.out(SHELLS[shell as keyof typeof SHELLS]());
}

const commands = Object.keys(options) as Command[];
const kindsOf = (command: Command): [string, OptionKind][] => Object.entries(options[command]);
const flags = (command: Command) => kindsOf(command).map(([name]) => `--${name}`);

/** Words that a command takes, besides files. */
function wordsOf(command: Command): readonly string[] {
  if (command === "figure") return figureNames;
  if (command === "new") return Object.keys(starters);
  if (command === "completion") return Object.keys(SHELLS);
  return [];
}

/** Options with a list of values, over all commands. */
function choices(): [string, readonly string[]][] {
  const all = commands.flatMap(kindsOf).filter((one): one is [string, readonly string[]] => typeof one[1] === "object");
  return [...new Map(all)];
}

function bash(): string {
  const cases = commands
    .map((name) => `    ${name}) words="${[...wordsOf(name), ...flags(name)].join(" ")}" ;;`)
    .join("\n");
  const values = choices()
    .map(([name, list]) => `    --${name}) COMPREPLY=($(compgen -W "${list.join(" ")}" -- "$current")); return ;;`)
    .join("\n");
  return `# meanfield completion bash > ~/.local/share/bash-completion/completions/meanfield
_meanfield() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.join(" ")} help --help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[COMP_CWORD - 1]}" in
${values}
  esac
  case "\${COMP_WORDS[1]}" in
${cases}
    help) words="${commands.join(" ")}" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current"))
}
complete -o filenames -F _meanfield meanfield
`;
}

function zsh(): string {
  const listed = commands.map((name) => `'${name}:${abouts[name]}'`).join(" ");
  const cases = commands
    .map((name) => {
      const specs = kindsOf(name).map(([option, kind]) => {
        if (kind === "boolean") return `'--${option}'`;
        return typeof kind === "string"
          ? `'--${option}=:${option}:_files'`
          : `'--${option}=:${option}:(${kind.join(" ")})'`;
      });
      const words = wordsOf(name);
      const rest = words.length > 0 ? `'*:name:(${words.join(" ")})'` : "'*:file:_files'";
      return `    ${name}) _arguments ${[...specs, rest].join(" ")} ;;`;
    })
    .join("\n");
  return `#compdef meanfield
# meanfield completion zsh > a folder of $fpath, as _meanfield
_meanfield() {
  local -a commands=(${listed})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases}
  esac
}
# loaded by its name, it is asked at once; sourced, it is made known
if [ "$funcstack[1]" = "_meanfield" ]; then _meanfield "$@"; else compdef _meanfield meanfield; fi
`;
}

function fish(): string {
  const first = commands.map(
    (name) => `complete -c meanfield -n __fish_use_subcommand -a ${name} -d '${abouts[name]}' -f`,
  );
  const rest = commands.flatMap((name) => {
    const when = `complete -c meanfield -n '__fish_seen_subcommand_from ${name}'`;
    const words = wordsOf(name);
    return [
      ...(words.length > 0 ? [`${when} -f -a '${words.join(" ")}'`] : []),
      ...kindsOf(name).map(([option, kind]) => {
        const letter = letters[option] ? ` -s ${letters[option]}` : "";
        const value = kind === "boolean" ? "" : typeof kind === "string" ? " -r" : ` -x -a '${kind.join(" ")}'`;
        return `${when} -l ${option}${letter}${value}`;
      }),
    ];
  });
  return `# meanfield completion fish > ~/.config/fish/completions/meanfield.fish\n${[...first, ...rest].join("\n")}\n`;
}
