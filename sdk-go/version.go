package orchestrator

// Version is this SDK's version.
const Version = "0.1.0"

// sdkName is what the server's logs say of this SDK.
const sdkName = "sdk-go/" + Version
