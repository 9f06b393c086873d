"""What the SDK takes from the Protobuf contract: messages, lease defaults, limits, clocks."""
