/** The one folder on a phone that is the lab's: everything the lab puts there goes below it and can go with it. */
export const phoneFolder = "/data/local/tmp/latency-lab";
