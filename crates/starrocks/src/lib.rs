//! The StarRocks client: requests, answers and their classification, labels, transport. Never retries.
