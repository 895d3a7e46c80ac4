package blob

import (
	"slices"
	"strings"
)

// NewestVersion is the newest service version that the accounts of the sandbox know: what Azure had deployed a
// year ago, and not yet what the newest SDKs ask for.
const NewestVersion = "2025-11-05"

// bearerSince is the first version that takes tokens (learn.microsoft.com, Versioning for Azure Storage).
const bearerSince = "2017-11-09"

// versions are the service versions of Blob Storage up to NewestVersion, as Azurite 3.35 lists them and azblob's
// CHANGELOG adds 2023-05-03.
func versions() []string {
	return []string{
		"2009-04-14", "2009-07-17", "2009-09-19", "2011-08-18", "2012-02-12", "2013-08-15", "2014-02-14",
		"2015-02-21", "2015-04-05", "2015-07-08", "2015-12-11", "2016-05-31", "2017-04-17", "2017-07-29",
		"2017-11-09", "2018-03-28", "2018-11-09", "2019-02-02", "2019-07-07", "2019-10-10", "2019-12-12",
		"2020-02-10", "2020-04-08", "2020-06-12", "2020-08-04", "2020-10-02", "2020-12-06", "2021-02-12",
		"2021-04-10", "2021-06-08", "2021-08-06", "2021-10-04", "2021-12-02", "2022-11-02", "2023-01-03",
		"2023-05-03", "2023-08-03", "2023-11-03", "2024-02-04", "2024-05-04", "2024-08-04", "2024-11-04",
		"2025-01-05", "2025-05-05", "2025-07-05",
		NewestVersion,
	}
}

// checkVersion refuses a version that the account does not know, be it to come or no version at all, as Azure does
// (azure-sdk-for-net issue 45302, azure-rest-api-specs issue 8947), and a token where the version takes none. No
// version stands for one from before tokens (azure-docs issue 95050). Which of version and network rules Azure
// judges first has no source; here the rules are.
func checkVersion(r request) error {
	version := r.Header.Get(headerVersion)
	if version != "" && !slices.Contains(versions(), version) {
		return invalidHeader(headerVersion, version)
	}
	bearer := strings.HasPrefix(strings.ToLower(r.Header.Get("Authorization")), "bearer")
	if bearer && version < bearerSince { // dates in this form sort as text
		return bearerNotSupported()
	}
	return nil
}
