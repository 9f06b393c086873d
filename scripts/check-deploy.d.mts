/** The files of a deployment and of the server that are compared, as texts. */
export interface DeploymentTexts {
  readonly compose: string;
  readonly envExample: string;
  readonly dockerfile: string;
  readonly kubernetes: string;
  readonly config: string;
  readonly main: string;
  readonly metrics: string;
  readonly probes: string;
}

/** Reads them; of this repository unless told. */
export function readDeployment(root?: string): DeploymentTexts;

/** What is wrong with a deployment, a sentence each. */
export function deploymentFindings(texts: DeploymentTexts): string[];

/** Asks the tools that know the formats; answers what they say, and which are not here. */
export function askTools(
  texts: DeploymentTexts,
  root?: string,
): { readonly findings: string[]; readonly leftOut: string[] };
