// What is run, as a sentence: a process on a problem, and the limit that is laid over it.

import { limitsFor, type NetworkKind, type ProblemName } from "../experiment";
import { change, chooseProblem, dropped, experiment } from "../state/store";
import { Choice } from "./fields";
import { limitNames, networkNames, problemNames, problemNotes } from "./words";

/** The sentence at the head of the page. */
export function Setting() {
  const { problem, network, limit, tour } = experiment.value;
  const file = dropped.value;
  const problems = (Object.keys(problemNames) as ProblemName[])
    .filter((name) => name !== "file" || file !== null)
    .map((value) => ({ value, label: value === "file" && file ? file.name : problemNames[value] }));
  const networks = (Object.keys(networkNames) as NetworkKind[]).map((value) => ({ value, label: networkNames[value] }));
  // a run file says its process
  const own = problem === "file" && file?.kind === "run" ? file.run.process.kind : null;
  const limits = limitsFor(experiment.value, file).map(({ kind, fits, reason }) => ({
    value: kind,
    label: limitNames[kind],
    disabled: !fits,
    reason,
  }));
  const without = limits.filter(({ disabled }) => disabled);
  return (
    <section class="setting" aria-label="What is run">
      <p class="sentence">
        Run{" "}
        <Choice
          quiet
          testId="network"
          label="Process"
          value={network}
          disabled={own !== null}
          options={networks}
          onChange={(value) => change({ network: value })}
        />{" "}
        on <Choice quiet testId="problem" label="Problem" value={problem} options={problems} onChange={chooseProblem} />{" "}
        and lay over it{" "}
        <Choice
          quiet
          testId="limit"
          label="Limit"
          value={limit}
          options={limits}
          onChange={(value) => change({ limit: value })}
        />
        .
      </p>
      {tour === null && (
        <p class="about">
          {problemNotes[problem]} {limits.find(({ value }) => value === limit)?.reason}
        </p>
      )}
      {tour === null && without.length > 0 && (
        <details class="reasons">
          <summary>Which limits do not fit here, and why</summary>
          <ul>
            {without.map(({ value, label, reason }) => (
              <li key={value}>
                <b>{label}</b>: {reason}
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}
