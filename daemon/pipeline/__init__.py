"""From picture to answer: slots, batches, the threads that run the detector."""
